//! Generated crates: what is edited moves the fingerprint if, and only if, the stage leads to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::sandbox::Sandbox;
use crate::tokens::tests::Random;

/// What an item of a generated crate is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Fn,
    Const,
    Static,
    /// A type with a function that others call, and one that nobody calls.
    Type,
    /// A type whose function is called as a method.
    Method,
    Enum,
    /// A trait and its implementation.
    Trait,
    /// `macro_rules!`.
    Rules,
    /// A macro that is called between items and writes a function.
    Written,
    Alias,
}

const KINDS: [Kind; 10] = [
    Kind::Fn,
    Kind::Const,
    Kind::Static,
    Kind::Type,
    Kind::Method,
    Kind::Enum,
    Kind::Trait,
    Kind::Rules,
    Kind::Written,
    Kind::Alias,
];

struct Item {
    kind: Kind,
    module: usize,
    /// The items that it names.
    leads: Vec<usize>,
    /// A number that stands nowhere else.
    number: usize,
}

/// A crate as it is made up.
struct Graph {
    items: Vec<Item>,
    stage: Vec<usize>,
    /// How names are written: as full paths, by imports, behind globs.
    style: usize,
}

const MODULES: usize = 4;

impl Graph {
    fn generate(random: &mut Random) -> Self {
        let count = 4 + random.below(14);
        let some = |random: &mut Random, most: usize| -> Vec<usize> {
            (0..random.below(most + 1)).map(|_| random.below(count)).collect()
        };
        let items = (0..count).map(|at| Item {
            kind: KINDS[random.below(KINDS.len())],
            module: random.below(MODULES),
            leads: some(random, 2),
            number: 1000 + at,
        });
        let mut items: Vec<Item> = items.collect();
        let is_plain: Vec<bool> = items
            .iter()
            .map(|item| matches!(item.kind, Kind::Fn | Kind::Const | Kind::Static))
            .collect();
        for item in items.iter_mut().filter(|item| item.kind == Kind::Written) {
            // What names a type, by another macro as well, may implement something for it.
            item.leads.retain(|to| is_plain[*to]);
        }
        let stage = some(random, 3);
        Self { items, stage, style: random.below(3) }
    }

    /// The items that the stage leads to.
    fn reached(&self) -> BTreeSet<usize> {
        let mut open = self.stage.clone();
        let mut reached = BTreeSet::new();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(&self.items[next].leads);
            }
        }
        reached
    }

    /// Files by their paths; `number` tells the number in an item, `noise` what stands around it.
    fn files(
        &self,
        number: &dyn Fn(usize) -> usize,
        noise: &mut dyn FnMut(String) -> String,
        order: &[usize],
    ) -> Vec<(String, String)> {
        let mut texts = vec![String::new(); MODULES];
        let mut rules = String::new();
        for (module, text) in texts.iter_mut().enumerate() {
            self.imports(module, text);
        }
        for at in order {
            let item = &self.items[*at];
            let text = noise(self.text(*at, number(item.number)));
            if item.kind == Kind::Rules { &mut rules } else { &mut texts[item.module] }
                .push_str(&text);
        }
        let mut root = format!("{rules}mod m1;\nmod m2;\nmod m3 {{\n{}}}\n", texts[3]);
        let body: String = self.stage.iter().map(|to| self.named(*to, 0, "crate")).collect();
        write!(root, "{}#[stage]\nfn fit() -> u64 {{ 0{body} }}\n", texts[0]).unwrap();
        let manifest = "[package]\nname = \"demo\"".to_owned();
        vec![
            ("src/lib.rs".to_owned(), root),
            ("src/m1.rs".to_owned(), texts[1].clone()),
            ("src/m2.rs".to_owned(), texts[2].clone()),
            ("Cargo.toml".to_owned(), manifest),
        ]
    }

    fn imports(&self, module: usize, text: &mut String) {
        let from = self.items.iter().enumerate().filter(|(_, item)| item.module == module);
        let leads: BTreeSet<usize> = from.flat_map(|(_, item)| item.leads.clone()).collect();
        let stage = if module == 0 { self.stage.clone() } else { Vec::new() };
        match self.style {
            1 => {
                for to in leads.into_iter().chain(stage).collect::<BTreeSet<_>>() {
                    let item = &self.items[to];
                    if item.kind != Kind::Rules {
                        let (home, name) = (home(item.module), name(item, to));
                        writeln!(text, "use {home}{name} as x{to};").unwrap();
                    }
                }
            }
            2 => {
                for other in (0..MODULES).filter(|other| *other != module) {
                    writeln!(text, "use {}*;", home(other)).unwrap();
                }
            }
            _ => {}
        }
    }

    /// ` + name(..)`, as seen from a module.
    fn named(&self, to: usize, from: usize, root: &str) -> String {
        let item = &self.items[to];
        let name = match self.style {
            _ if item.kind == Kind::Rules => name(item, to),
            1 if root == "crate" => format!("x{to}"),
            2 if root == "crate" => name(item, to),
            _ if item.module == from && root == "crate" => name(item, to),
            _ => home(item.module).replacen("crate", root, 1) + &name(item, to),
        };
        match item.kind {
            Kind::Fn => format!(" + {name}({to})"),
            Kind::Written => format!(" + {name}()"),
            Kind::Const | Kind::Static => format!(" + {name}"),
            Kind::Type => format!(" + {name}::make{to}()"),
            Kind::Method => format!(" + {name}(7).call{to}()"),
            Kind::Enum => format!(" + {name}::A{to} as u64"),
            Kind::Trait => format!(" + {name}::act{to}(&1)"),
            Kind::Rules => format!(" + {name}!()"),
            Kind::Alias => format!(" + {{ let _: {name} = [0]; 1 }}"),
        }
    }

    fn text(&self, at: usize, number: usize) -> String {
        let item = &self.items[at];
        let root = if item.kind == Kind::Rules { "$crate" } else { "crate" };
        let leads = item.leads.iter().map(|to| self.named(*to, item.module, root));
        let sum = format!("{number}{}", leads.collect::<String>());
        let name = name(item, at);
        match item.kind {
            Kind::Fn => {
                format!("pub fn {name}(n: u64) -> u64 {{ if n == 0 {{ {sum} }} else {{ 0 }} }}\n")
            }
            Kind::Const => format!("pub const {name}: u64 = {sum};\n"),
            Kind::Static => format!("pub static {name}: u64 = {{ {sum} }};\n"),
            Kind::Type => format!(
                "pub struct {name} {{ pub(crate) a: [u8; 3] }}\n\
                 impl {name} {{ pub fn make{at}() -> u64 {{ {sum} }} pub fn idle{at}() {{}} }}\n"
            ),
            Kind::Method => format!(
                "pub struct {name}(pub u8);\nimpl {name} {{ fn call{at}(&self) -> u64 {{ {sum} }} }}\n"
            ),
            Kind::Enum => format!("pub enum {name} {{ A{at} = {sum}, B }}\n"),
            Kind::Trait => format!(
                "pub trait {name} {{ fn act{at}(&self) -> u64; }}\n\
                 impl {name} for u64 {{ fn act{at}(&self) -> u64 {{ {sum} }} }}\n"
            ),
            Kind::Rules => {
                format!("#[macro_export]\nmacro_rules! {name} {{ () => {{ {sum} }}; }}\n")
            }
            Kind::Written => format!("write! {{ pub fn {name}() -> u64 {{ {sum} }} }}\n"),
            Kind::Alias => format!("pub type {name} = [u8; {{ {sum} }}];\n"),
        }
    }
}

fn name(item: &Item, at: usize) -> String {
    let letter = match item.kind {
        Kind::Fn => "f",
        Kind::Const => "C",
        Kind::Static => "S",
        Kind::Type => "T",
        Kind::Method => "M",
        Kind::Enum => "E",
        Kind::Trait => "R",
        Kind::Rules => "m",
        Kind::Written => "w",
        Kind::Alias => "L",
    };
    format!("{letter}{at}_")
}

fn home(module: usize) -> String {
    if module == 0 { "crate::".to_owned() } else { format!("crate::m{module}::") }
}

fn total(files: &[(String, String)]) -> u128 {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Sandbox::new(&files).reach().total
}

fn shown(files: &[(String, String)]) -> String {
    let plain: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let items = Sandbox::new(&plain).reach().items;
    let mut shown = String::new();
    for item in items {
        writeln!(shown, "{} {:x}", item.name, item.digest).unwrap();
    }
    for (path, text) in files {
        writeln!(shown, "--- {path}\n{text}").unwrap();
    }
    shown
}

#[test]
fn an_edit_moves_the_fingerprint_if_the_stage_leads_to_it() {
    let mut random = Random(11);
    let (mut hits, mut misses) = (0, 0);
    for _ in 0..250 {
        let graph = Graph::generate(&mut random);
        let order: Vec<usize> = (0..graph.items.len()).collect();
        let files = graph.files(&|number| number, &mut |text| text, &order);
        let (before, reached) = (total(&files), graph.reached());
        for _ in 0..3 {
            let edited = random.below(graph.items.len());
            let number = |number| if number == 1000 + edited { 5000 } else { number };
            let after = total(&graph.files(&number, &mut |text| text, &order));
            let moves = after != before;
            let is_reached = reached.contains(&edited);
            assert_eq!(moves, is_reached, "item {edited} of\n{}", shown(&files));
            misses += usize::from(moves);
            hits += usize::from(!moves);
        }
    }
    assert!(hits > 100 && misses > 100, "{hits} hits, {misses} misses");
}

#[test]
fn what_is_no_code_moves_nothing() {
    let mut random = Random(12);
    for _ in 0..100 {
        let graph = Graph::generate(&mut random);
        let mut order: Vec<usize> = (0..graph.items.len()).collect();
        let files = graph.files(&|number| number, &mut |text| text, &order);
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        let mut noise = |text: String| noisy(&text, &mut random);
        let after = graph.files(&|number| number, &mut noise, &order);
        assert_eq!(total(&after), total(&files), "{}\n{}", shown(&files), shown(&after));
    }
}

/// The same item with another layout, comments and docs.
fn noisy(text: &str, random: &mut Random) -> String {
    let text = match random.below(6) {
        0 => text.replace(' ', "\n    "),
        1 => text.replace(" + ", " /* and /* more */ */ + // why {\n "),
        2 => text.replace("{ ", "{"),
        3 => text.replace('\n', "\r\n"),
        // What a macro is given counts as it is written.
        4 if !text.starts_with("write!") => text.replace("pub fn ", "#[inline]\npub(crate) fn "),
        _ => text.to_owned(),
    };
    let before = match random.below(4) {
        0 => "/// Docs with `code` and \"quotes.\n",
        1 => "// A comment { (\n",
        2 => "#[allow(dead_code)]\n",
        _ => "\n\n",
    };
    format!("{before}{text}")
}
