//! `docs/json.md` against the program: every key that any capture here brings out is documented, with the type it says; and
//! every documented key is produced by one of them.

#[path = "support/scenario.rs"]
mod scenario;
mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Objects whose keys are names of things, not of figures.
const MAPS: [&str; 7] = [
    "verdicts",
    "causes",
    "wireshark",
    "layers",
    "stops",
    "names",
    "figures",
];

/// A key with its section: `direction window.max`.
type Key = (String, String);

/// The documented keys with their types.
fn documented() -> BTreeMap<Key, String> {
    let mut section = String::new();
    let mut keys = BTreeMap::new();
    for line in std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md"))
        .unwrap()
        .lines()
    {
        if let Some(name) = line.strip_prefix("## ") {
            section = name.to_owned();
        }
        if let Some(row) = line.strip_prefix("| `") {
            let (key, rest) = row.split_once('`').unwrap();
            let kind = rest.split('|').nth(1).unwrap().trim().to_owned();
            assert!(
                keys.insert((section.clone(), key.to_owned()), kind)
                    .is_none(),
                "{section} {key} stands twice"
            );
        }
    }
    keys
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The section that describes an object at this place, if it is not the section of what holds it.
fn section_of(section: &str, key: &str, value: &Value) -> Option<&'static str> {
    match (section, key) {
        ("packet", "evidence") => Some("packet.evidence"),
        ("packet", "wireshark_values") => Some("packet.wireshark_values"),
        ("connection", "client_to_server" | "server_to_client") => Some("direction"),
        ("connection" | "direction", "limits") => Some("limits"),
        ("direction", _) if value.get("p50").is_some() => Some("samples"),
        _ => None,
    }
}

fn walk(
    section: &str,
    prefix: &str,
    object: &Value,
    found: &mut BTreeMap<Key, BTreeSet<&'static str>>,
) {
    for (name, value) in object.as_object().unwrap() {
        let key = format!("{prefix}{name}");
        found
            .entry((section.to_owned(), key.clone()))
            .or_default()
            .insert(kind(value));
        match value {
            Value::Object(_) => match section_of(section, &key, value) {
                Some(inner) => walk(inner, "", value, found),
                None if MAPS.contains(&name.as_str()) => {
                    for part in value
                        .as_object()
                        .unwrap()
                        .values()
                        .filter(|part| part.is_object())
                    {
                        walk(section, &format!("{key}.NAME."), part, found);
                    }
                }
                None => walk(section, &format!("{key}."), value, found),
            },
            Value::Array(list) => {
                for part in list.iter().filter(|part| part.is_object()) {
                    walk(section, &format!("{key}[]."), part, found);
                }
            }
            _ => {}
        }
    }
}

fn captures(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            captures(&path, all);
        } else if path.to_string_lossy().contains(".pcap") {
            all.push(std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_key_is_documented_and_produced() {
    let mut inputs = Vec::new();
    captures(&support::fixture(""), &mut inputs);
    for scenario in scenario::files()
        .iter()
        .flat_map(|file| scenario::scenarios(file))
    {
        inputs.push(scenario::capture_of(&scenario));
    }
    let mut found = BTreeMap::new();
    for object in inputs.iter().flat_map(|input| scenario::try_objects(input)) {
        let section = object["type"].as_str().unwrap().to_owned();
        walk(&section, "", &object, &mut found);
    }
    let documented = documented();
    let mut wrong = Vec::new();
    for (key, kinds) in &found {
        let Some(said) = documented.get(key) else {
            wrong.push(format!("{} {} is not documented", key.0, key.1));
            continue;
        };
        let base = said.split([' ', ',']).next().unwrap();
        let allowed =
            |kind: &&'static str| **kind == *base || **kind == *"null" && said.contains("or null");
        if !kinds.iter().all(allowed) {
            wrong.push(format!(
                "{} {}: {said} is said, {kinds:?} is produced",
                key.0, key.1
            ));
        }
    }
    wrong.extend(
        documented
            .keys()
            .filter(|key| !found.contains_key(*key))
            .map(|key| format!("{} {} is never produced", key.0, key.1)),
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
