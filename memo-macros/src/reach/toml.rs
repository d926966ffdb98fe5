//! As much of TOML as Cargo.toml and Cargo.lock need: tables of values, kept as text.

use std::collections::BTreeMap;

/// The keys of a table, with their values as written.
pub type Table = BTreeMap<String, String>;

/// A file: its tables by their headings, in order.
#[derive(Default, Clone)]
pub struct Toml(Vec<(String, Table)>);

impl Toml {
    /// Reads a file. What it does not understand it leaves out: cargo has judged the file before.
    pub fn parse(text: &str) -> Self {
        let mut tables = vec![(String::new(), Table::new())];
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let line = without_comment(line);
            if line.starts_with('[') {
                let heading = line.trim_matches(['[', ']']);
                tables.push((dotted(heading).join("."), Table::new()));
            } else if let Some((key, value)) = line.split_once('=') {
                let mut value = value.trim().to_owned();
                while is_open(&value) {
                    let Some(next) = lines.next() else { break };
                    value.push(' ');
                    value.push_str(without_comment(next));
                }
                let key = dotted(key).join(".");
                if let Some((_, table)) = tables.last_mut() {
                    table.insert(key, value);
                }
            }
        }
        Self(tables)
    }

    /// Returns the table of that heading; an empty one if there is none.
    pub fn table(&self, heading: &str) -> Table {
        let named = self.0.iter().filter(|(found, _)| found == heading);
        named.flat_map(|(_, table)| table.clone()).collect()
    }

    /// Returns every table of that heading: those of `[[package]]`.
    pub fn tables<'a>(&'a self, heading: &'a str) -> impl Iterator<Item = &'a Table> {
        self.0.iter().filter(move |(found, _)| found == heading).map(|(_, table)| table)
    }

    /// Returns whether a table, or one inside of it, is there.
    pub fn has(&self, heading: &str) -> bool {
        let inside = format!("{heading}.");
        self.0.iter().any(|(found, _)| found == heading || found.starts_with(&inside))
    }

    /// Returns the tables inside of `heading` by name, however they are written:
    /// `name = { .. }`, `name.key = ..`, `[heading.name]`, `[target.'cfg(..)'.heading]`,
    /// `name = "1.0"`.
    pub fn entries(&self, heading: &str) -> BTreeMap<String, Table> {
        let mut all: BTreeMap<String, Table> = BTreeMap::new();
        let suffix = format!(".{heading}");
        let prefix = format!("{heading}.");
        for (found, table) in &self.0 {
            let found = match found.strip_prefix("target.") {
                Some(rest) => rest.find(&suffix).map_or("", |at| &rest[at + 1..]),
                None => found,
            };
            if found == heading {
                for (key, value) in table {
                    let (name, inner) = entry(key, value);
                    all.entry(name).or_default().extend(inner);
                }
            } else if let Some(name) = found.strip_prefix(&prefix) {
                all.entry(name.to_owned()).or_default().extend(table.clone());
            }
        }
        all
    }
}

fn entry(key: &str, value: &str) -> (String, Table) {
    if let Some((name, inner)) = key.split_once('.') {
        return (name.to_owned(), Table::from([(inner.to_owned(), value.to_owned())]));
    }
    let inner = match value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) {
        Some(inner) => list(inner)
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect(),
        None => Table::from([("version".to_owned(), value.to_owned())]),
    };
    (key.to_owned(), inner)
}

/// Returns what a string holds.
pub fn string(value: Option<&String>) -> Option<String> {
    let value = value?.trim();
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote).and_then(|value| value.strip_suffix(*quote)));
    inner.map(|inner| inner.replace("\\\\", "\\").replace("\\\"", "\""))
}

/// Returns the strings of a list.
pub fn strings(value: Option<&String>) -> Vec<String> {
    let value = value.map(|value| value.trim()).unwrap_or_default();
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    list(inner.unwrap_or_default()).iter().filter_map(|item| string(Some(item))).collect()
}

/// Splits at the commas that lie in no string, list or table.
fn list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = Depth::default();
    for letter in text.chars() {
        depth.read(letter);
        if letter == ',' && depth.is_outside() {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push(letter);
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// The parts of `target.'cfg(unix)'.dependencies`, without quotes.
fn dotted(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = Depth::default();
    for letter in key.trim().chars() {
        depth.read(letter);
        match letter {
            '.' if depth.is_outside() => parts.push(String::new()),
            '"' | '\'' => {}
            _ => parts.last_mut().into_iter().for_each(|part| part.push(letter)),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn without_comment(line: &str) -> &str {
    let mut depth = Depth::default();
    for (at, letter) in line.char_indices() {
        depth.read(letter);
        if letter == '#' && depth.quote.is_none() {
            return line[..at].trim();
        }
    }
    line.trim()
}

fn is_open(value: &str) -> bool {
    let mut depth = Depth::default();
    value.chars().for_each(|letter| depth.read(letter));
    depth.brackets > 0
}

/// How deep in strings and brackets a letter lies.
#[derive(Default)]
struct Depth {
    quote: Option<char>,
    brackets: usize,
}

impl Depth {
    fn read(&mut self, letter: char) {
        match (self.quote, letter) {
            (Some(quote), _) if quote == letter => self.quote = None,
            (None, '"' | '\'') => self.quote = Some(letter),
            (None, '[' | '{') => self.brackets += 1,
            (None, ']' | '}') => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.brackets == 0
    }
}
