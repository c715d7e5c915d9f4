//! Tables of the engine that Python shows or checks against.

use feedengine_core::check;
use feedengine_core::fault::Code;
use feedengine_core::plan::{ops, severity_name};
use feedengine_core::record::entity;
use pyo3::prelude::*;
use serde_json::json;

/// Every fault code as JSON: code, severity, hint, family.
#[pyfunction]
pub fn codes() -> String {
    let entry = |code: &Code| json!({"code": code.text(), "severity": severity_name(code.severity()), "hint": code.hint(), "family": code.family()});
    json!(Code::ALL.iter().map(entry).collect::<Vec<_>>()).to_string()
}

/// The entities of Constructor's catalog as JSON.
#[pyfunction]
pub fn constructor_entities() -> String {
    json!(entity::constructor()).to_string()
}

/// Every operation as JSON: name, and what it may do.
#[pyfunction]
pub fn operations() -> String {
    let entry = |operation: &&ops::Operation| {
        json!({"name": operation.name, "removes_absent": operation.removes_absent, "purges": operation.purges,
               "keys_only": operation.keys_only()})
    };
    json!(ops::ALL.iter().map(entry).collect::<Vec<_>>()).to_string()
}

/// What is amiss with the entities of a profile, given as JSON: a list of entity, field and message; empty if nothing is.
#[pyfunction]
pub fn check_entities(entities: &str) -> String {
    match serde_json::from_str::<Vec<entity::EntitySpec>>(entities) {
        Ok(specs) => json!(check::wrong(&specs)).to_string(),
        Err(error) => json!([{"entity": null, "field": null, "message": error.to_string()}]).to_string(),
    }
}
