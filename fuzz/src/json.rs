//! Whether a text is JSON, without keeping any of it.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Whether a line is one JSON object.
pub fn is_object(line: &str) -> bool {
    line.starts_with('{') && serde_json::from_str::<Anything>(line).is_ok()
}

/// Whatever JSON holds: all of it is read as strictly as `serde_json::Value` reads it, but nothing is kept, for the maps of values
/// and the comparisons of their keys took a third of the time.
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

impl<'de> Visitor<'de> for Anything {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[test]
fn only_objects_are_objects() {
    for line in [
        r#"{}"#,
        r#"{"a":[1,-2.5e3,{"b":null}],"c":"\u00e4\n","d":[true,false]}"#,
    ] {
        assert!(is_object(line), "{line}");
    }
    for line in [
        "",
        "1",
        "[]",
        "{",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\x"}"#,
        "{\"a\":\"\u{1}\"}",
        "{} {}",
    ] {
        assert!(!is_object(line), "{line}");
        let value = serde_json::from_str::<serde_json::Value>(line);
        assert!(!value.is_ok_and(|value| value.is_object()), "{line}");
    }
}
