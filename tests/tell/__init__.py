"""Telling people: incidents, messages, logs, mails, webhooks, health, status."""
