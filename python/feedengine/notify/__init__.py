"""Telling people and programs: mail over SMTP and signed webhooks; handed a finished message and a place."""
