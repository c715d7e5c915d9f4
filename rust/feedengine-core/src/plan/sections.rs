//! What the sections of a feed say before any of their rows: columns that are missing, or not meant for the operation.

use std::collections::HashSet;
use std::sync::Arc;

use super::Planner;
use super::ops::Rows;
use super::stored::storage_field;
use crate::fault::{Code, Fault, Position};
use crate::read::{FileInfo, Section, SectionEnd, is_key};
use crate::record::FieldId;

impl Planner {
    /// Notes what the sections say about the upload as a whole.
    pub(super) fn sections(&mut self, sections: Vec<(Arc<Section>, SectionEnd)>, info: &FileInfo) {
        for fault in &info.warnings {
            self.problems.add(0, 0, fault.code, fault.code.severity(), || fault.clone());
        }
        for (section, end) in sections {
            let number = section.entity;
            let name = self.entities[number].spec.name.clone();
            for fault in &section.warnings {
                let mut fault = fault.clone();
                fault.entity.get_or_insert_with(|| name.clone());
                self.problems.add(number, 0, fault.code, fault.code.severity(), || fault.clone());
            }
            let position = Position { member: section.member.clone(), ..Position::default() };
            let file_fault = |code: Code, message: String| {
                let mut fault = Fault::new(code, message).at(position.clone());
                fault.entity = Some(name.clone());
                fault
            };
            if self.read[number].section.is_some() {
                let message = format!("the upload holds {name} twice");
                self.problems.add(number, 0, Code::DuplicateSection, Code::DuplicateSection.severity(), || {
                    file_fault(Code::DuplicateSection, message)
                });
            }
            let read = &mut self.read[number];
            read.uploaded = true;
            read.blank_lines = end.records.saturating_sub(read.rows);
            if read.rows == 0 {
                let message = format!("The {name} file you have uploaded is empty. Please fix it and try again.");
                self.problems.add(number, 0, Code::EmptyEntity, Code::EmptyEntity.severity(), || {
                    file_fault(Code::EmptyEntity, message)
                });
            }
            if let Some(columns) = section.layout.columns() {
                let fields: HashSet<&str> = columns.iter().map(|column| &*column.name).collect();
                self.header(number, &fields, &section, &position);
            } else if self.read[number].rows > 0 {
                let entity = &self.entities[number];
                let mentioned = |name: &&String| {
                    entity.table.find(name).is_some_and(|field| self.read[number].mentioned.holds(field.0))
                };
                for name in entity.spec.columns.required.iter().filter(|name| !mentioned(name)) {
                    let message = format!("no record has {name:?}, which the profile requires");
                    self.problems.add(number, 0, Code::MissingColumn, Code::MissingColumn.severity(), || {
                        file_fault(Code::MissingColumn, message).column(name)
                    });
                }
            }
            self.read[number].section = Some((section, end));
        }
    }

    /// What a CSV header says about the operation.
    fn header(&self, number: usize, names: &HashSet<&str>, section: &Section, position: &Position) {
        let entity = &self.entities[number];
        let key = &entity.spec.fields[0];
        let at = |code: Code, message: String, column: Option<&str>| {
            let mut fault = Fault::new(code, message).at(position.clone());
            fault.entity = Some(entity.spec.name.clone());
            fault.column = column.map(str::to_owned);
            self.problems.add(number, 0, code, code.severity(), || fault);
        };
        if self.operation.keys_only() {
            for name in names.iter().filter(|name| !is_key(&entity.spec, name)) {
                let message = format!("a {} file holds ids alone, not {name}", self.operation.name);
                at(Code::ExtraColumn, message, Some(name));
            }
        }
        if self.operation.name == "delta" && entity.operation.rows == Rows::Replace {
            let given: HashSet<FieldId> =
                section.layout.columns().into_iter().flatten().filter_map(|column| column.field).collect();
            let missing: Vec<&str> = entity
                .base
                .columns
                .iter()
                .filter(|column| {
                    let (field, _) = storage_field(&entity.spec, &column.name);
                    let is_made = field == key.name && entity.spec.makes_key();
                    !is_made && !entity.table.find(&field).is_some_and(|field| given.contains(&field))
                })
                .map(|column| &*column.name)
                .collect();
            if let Some(first) = missing.first() {
                let message = format!("the delta lacks {} of the catalog's columns, among them {first}", missing.len());
                at(Code::DeltaNarrow, message, Some(first));
            }
        }
    }
}
