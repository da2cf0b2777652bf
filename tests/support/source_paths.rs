//! Reads the paths out of Rust source: what a file names of this crate, and which outside crates it names. A small tokenizer and
//! a reader of path trees; enough for code that compiles, which is all it is shown.

use std::collections::BTreeSet;

/// What a file names.
#[derive(Debug, Default)]
pub struct Paths {
    /// Paths inside this crate, from its root: `["tracking", "Connection"]`.
    pub inside: BTreeSet<Vec<String>>,
    /// Outside crates named outside of tests, as written in code: `serde_json`.
    pub outside: BTreeSet<String>,
}

/// Reads a file. `module` is where it stands, such as `["capture", "bpf"]`; `crates` are the names to look for.
pub fn read(source: &str, module: &[&str], crates: &[String]) -> Paths {
    let mut reader = Reader {
        tokens: tokens(source),
        at: 0,
        module: module.iter().map(ToString::to_string).collect(),
        paths: Paths::default(),
        local: BTreeSet::new(),
        depth: 0,
        inline: Vec::new(),
    };
    let named = reader.run();
    let Reader {
        mut paths, local, ..
    } = reader;
    paths.outside = named
        .into_iter()
        .filter(|name| crates.contains(name) && !local.contains(name))
        .collect();
    paths
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
    /// The module of the current line, with inline modules.
    module: Vec<String>,
    paths: Paths,
    /// Names that this file gives to modules of its own crate, so that they are not taken for an outside crate's.
    local: BTreeSet<String>,
    depth: usize,
    /// The braces' depth at which each inline module began, and whether it holds tests.
    inline: Vec<(usize, bool)>,
}

impl Reader {
    /// Goes through the file; returns the first segments of all paths that are not this crate's.
    fn run(&mut self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        let mut tests_follow = false;
        while self.at < self.tokens.len() {
            let before = self.at.checked_sub(1).map(|at| self.tokens[at].clone());
            let token = self.tokens[self.at].clone();
            let next = self.token(1).to_owned();
            match token.as_str() {
                "#" if self.tokens[self.at..]
                    .iter()
                    .take(7)
                    .eq(["#", "[", "cfg", "(", "test", ")", "]"]) =>
                {
                    tests_follow = true;
                    self.at += 6;
                }
                "mod" if self.token(2) == "{" => {
                    self.inline.push((self.depth, tests_follow));
                    self.module.push(next);
                    self.at += 1;
                    tests_follow = false;
                }
                "mod" => {
                    self.local.insert(next);
                    tests_follow = false;
                }
                "{" => self.depth += 1,
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    if self
                        .inline
                        .last()
                        .is_some_and(|&(depth, _)| depth == self.depth)
                    {
                        self.inline.pop();
                        self.module.pop();
                    }
                }
                "use" => {
                    self.at += 1;
                    self.tree(&[], true, &mut named);
                    continue;
                }
                // Visibility: `pub(crate)`, `pub(super)`, `pub(in crate::capture)`.
                "(" if before.as_deref() == Some("pub") => {
                    while self.token(0) != ")" {
                        self.at += 1;
                    }
                }
                _ if before.as_deref() != Some("::") && next == "::" && is_name(&token) => {
                    self.tree(&[], false, &mut named);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        named
    }

    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn in_tests(&self) -> bool {
        self.inline.iter().any(|&(_, tests)| tests)
    }

    /// A path, in `use` with its branches: `a::b::{c, d::e}`, `a::*`, `a as b`. Leaves the reader behind it.
    fn tree(&mut self, so_far: &[String], in_use: bool, named: &mut BTreeSet<String>) {
        let mut path = so_far.to_vec();
        loop {
            let token = self.token(0).to_owned();
            if token == "{" && in_use {
                self.at += 1;
                while self.token(0) != "}" {
                    self.tree(&path, true, named);
                    if self.token(0) == "," {
                        self.at += 1;
                    }
                }
                self.at += 1;
                return;
            }
            if token == "::" {
                self.at += 1;
                continue;
            }
            if !(is_name(&token) || token == "*" && in_use) {
                break;
            }
            path.push(token);
            self.at += 1;
            if self.token(0) != "::" {
                break;
            }
        }
        if in_use && self.token(0) == "as" {
            self.at += 2;
        }
        self.note(&path, named);
    }

    fn note(&mut self, path: &[String], named: &mut BTreeSet<String>) {
        let Some(first) = path.first() else { return };
        let mut place = self.module.clone();
        let rest = match first.as_str() {
            "crate" | "tcp_monitor" => {
                place.clear();
                &path[1..]
            }
            "self" => &path[1..],
            "super" => {
                let ups = path
                    .iter()
                    .take_while(|segment| *segment == "super")
                    .count();
                place.truncate(place.len().saturating_sub(ups));
                &path[ups..]
            }
            _ => {
                if !self.in_tests() {
                    named.insert(first.clone());
                }
                return;
            }
        };
        self.local.extend(rest.iter().cloned());
        place.extend(rest.iter().filter(|segment| *segment != "self").cloned());
        self.paths.inside.insert(place);
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters; comments, strings, characters and lifetimes left out.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let starts = |at: usize, text: &str| {
        text.chars()
            .enumerate()
            .all(|(n, c)| chars.get(at + n) == Some(&c))
    };
    while at < chars.len() {
        let c = chars[at];
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|&&c| c != '\n').count();
        } else if starts(at, "/*") {
            let mut depth = 0;
            loop {
                if starts(at, "/*") {
                    (depth, at) = (depth + 1, at + 2);
                } else if starts(at, "*/") {
                    (depth, at) = (depth - 1, at + 2);
                } else {
                    at += 1;
                }
                if depth == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if let Some(end) = raw_string(&chars, at) {
            at = end;
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A character such as 'a', '\n', '\u{1b}'; else a lifetime, of which only the quote is dropped.
            let escaped = chars.get(at + 1) == Some(&'\\');
            if escaped {
                at += 3;
                at += chars[at.min(chars.len())..]
                    .iter()
                    .take_while(|&&c| c != '\'')
                    .count();
            } else if chars.get(at + 2) == Some(&'\'') {
                at += 2;
            }
            at += 1;
        } else if c.is_alphanumeric() || c == '_' {
            let end = at
                + chars[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .count();
            tokens.push(chars[at..end].iter().collect());
            at = end;
        } else if starts(at, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            at += 1;
        }
    }
    tokens
}

/// Where a raw string that begins here ends: `r"…"`, `r#"…"#`, also with a `b` before it.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|at| chars[at]);
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let start = at + usize::from(chars[at] == 'b');
    if chars.get(start) != Some(&'r') {
        return None;
    }
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let mut at = start + 1 + hashes;
    if chars.get(at) != Some(&'"') {
        return None;
    }
    loop {
        at += 1;
        let closing = chars.get(at..at + 1 + hashes)?;
        if closing[0] == '"' && closing[1..].iter().all(|&c| c == '#') {
            return Some(at + 1 + hashes);
        }
    }
}
