//! A record of nested JSON under the key that is meant; all else in it stays as it was sent.

use serde_json::Value as Json;

use super::header;
use super::json::{Next, Reader};
use crate::record::entity::{EntitySpec, Place};

/// The record `text` as the one of `key`, whatever key it had. None for what is no JSON object, and where the entity's
/// key is no member of the record itself.
pub fn keyed(text: &str, spec: &EntitySpec, key: &str) -> Option<String> {
    let field = spec.fields.first().filter(|field| field.place == Place::Top)?;
    let mut reader = Reader::new(text);
    if reader.next() != Ok(Next::Object) {
        return None;
    }
    let mut members = vec![format!("{}:{}", Json::from(field.json.as_str()), Json::from(key))];
    let read = reader.object(0, |reader, name| {
        let start = reader.at;
        reader.skip(1)?;
        // Two members that mean the same would be a fault.
        if name != field.json.as_str() && !header::is_named(spec, field, &name) {
            members.push(format!("{}:{}", Json::from(name.as_ref()), &text[start..reader.at]));
        }
        Ok(())
    });
    read.and_then(|()| reader.end()).ok()?;
    Some(format!("{{{}}}", members.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::entity::constructor;

    #[test]
    fn the_key_is_another_one_and_nothing_else_is() {
        let [items, variations, _] = &constructor()[..] else { panic!("three entities") };
        for (spec, text, expected) in [
            (items, r#"{"name": "a"}"#, Some(r#"{"id":"K\"1","name":"a"}"#)),
            (
                items,
                r#"{"id": null, "n": 1.50, "data": {"id": "x", "c:add": [ "é" ]}}"#,
                Some(r#"{"id":"K\"1","n":1.50,"data":{"id": "x", "c:add": [ "é" ]}}"#),
            ),
            (items, r#" {"n":{},"\u0069d":"old"} "#, Some(r#"{"id":"K\"1","n":{}}"#)),
            (variations, r#"{"variation_id":"V","item_id":"A"}"#, Some(r#"{"id":"K\"1","item_id":"A"}"#)),
            (items, "{}", Some(r#"{"id":"K\"1"}"#)),
            (items, "[1]", None),
            (items, r#"{"id":"#, None),
            (items, "{} x", None),
        ] {
            assert_eq!(keyed(text, spec, "K\"1").as_deref(), expected, "{text}");
        }
        let mut inside = items.clone();
        inside.fields[0].place = Place::Data;
        assert_eq!(keyed("{}", &inside, "K"), None);
    }
}
