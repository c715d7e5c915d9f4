//! Rows that wait for a record, as they were sent.

use serde_json::json;

use super::Planner;
use super::locate::revisit;
use super::stop::Stop;
use crate::identify::{Naming, path};
use crate::read::Scratch;
use crate::record::Record;

impl Planner {
    /// The parked rows of an entity as JSON lines {entity, record, line, identity, values, sent, waits_for: {entity,
    /// field, value}}, in the order of the feed, which is read again and must still be the same. `sent` is the row of a
    /// JSON feed as it was sent.
    pub fn parked(&self, number: usize) -> Result<String, Stop> {
        let waiting = &self.read[number].waiting;
        if waiting.is_empty() {
            return Ok(String::new());
        }
        let wanted: Vec<(usize, u32)> = waiting.iter().map(|row| (number, row.ordinal)).collect();
        let entity = &self.entities[number];
        let naming = Naming::new(&entity.spec, &self.tables[number]);
        let again = |section: &crate::read::Section, raw: &[u8], position| {
            let (mut record, texts) = (Record::default(), section.layout.texts(raw));
            section.layout.parse(raw, &mut Scratch::new(), &mut record, &mut Vec::new());
            (naming.of(&record, &texts).identity, texts, section.layout.element(raw), position)
        };
        let rows = revisit(&self.path, &self.options, &self.tables, self.fingerprint(), &wanted, again)?;
        let mut lines = String::new();
        for row in waiting {
            let Some((identity, texts, sent, position)) = rows.get(&(number, row.ordinal)) else {
                return Err(Stop::Broken(format!(
                    "row {} of {} is to wait and is not in the feed",
                    row.ordinal, entity.spec.name
                )));
            };
            let value = row.value.clone().or_else(|| {
                let rule = entity.spec.path.as_ref()?;
                let field = entity.spec.field(&rule.field)?;
                let (_, way) = texts.iter().find(|(name, _)| *name == field.name)?;
                let steps = path::steps(way, rule)?;
                Some(path::written(&steps[..steps.len().saturating_sub(1)], rule))
            });
            let values: serde_json::Map<String, serde_json::Value> =
                texts.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
            let waits_for = json!({"entity": row.entity, "field": row.field, "value": value});
            let line = json!({"entity": entity.spec.name, "record": position.record, "line": position.line,
                              "identity": identity, "values": values, "sent": sent, "waits_for": waits_for});
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        Ok(lines)
    }
}
