//! Params that are handed on: what a stage depends on where only single fields are read.

use super::sandbox::Sandbox;

/// What every case has.
const BASE: &str = r"
#[derive(Clone, Serialize, Debug)]
pub struct Params { pub rate: f64, pub train: Train, pub again: Train, pub other: Other }
#[derive(Clone, Serialize, Debug)]
pub struct Train { pub rounds: u32, pub batch: u32 }
#[derive(Clone, Serialize, Debug)]
pub struct Other { pub rounds: u32 }
impl Default for Params { fn default() -> Self { todo!() } }
impl Default for Train { fn default() -> Self { Self { rounds: 3, batch: 4 } } }
impl From<u32> for Train { fn from(rounds: u32) -> Self { Self { rounds, batch: 5 } } }
pub fn helper(p: &Train) -> u32 { p.rounds }
pub fn both(p: &Train, q: &Train) -> u32 { p.rounds + q.rounds }
pub fn outer(p: &Params) -> u32 { helper(&p.train) + FACTOR }
const FACTOR: u32 = 2;
impl Params {
    pub fn steps(&self) -> u32 { self.train.total() }
}
impl Train {
    pub fn total(&self) -> u32 { self.rounds * scale() }
}
impl Other {
    pub fn total(&self) -> u32 { self.rounds }
}
fn scale() -> u32 { 7 }
pub trait Show { fn show(&self) -> u32; }
impl Show for u8 { fn show(&self) -> u32 { 1 } }
";

/// Edits that a stage sees if it depends on all of `Train`.
const OF_THE_TYPE: &[(&str, &str)] = &[
    ("pub batch: u32", "pub batch: u32, pub more: Vec<u8>"),
    ("pub batch: u32", "pub batch: u64"),
    ("pub struct Train", "#[serde(rename_all = \"snake_case\")] pub struct Train"),
    ("rounds: 3", "rounds: 30"),
    ("batch: 5", "batch: 50"),
];

fn text(extra: &str, body: &str) -> String {
    format!("{BASE}{extra}\n#[stage]\nfn fit(params: &Params) -> u32 {{ {body} }}")
}

fn total(text: &str) -> u128 {
    let files = [("src/lib.rs", text), ("Cargo.toml", "[package]\nname = \"demo\"")];
    Sandbox::new(&files).reach().total
}

fn moves(extra: &str, body: &str, (old, new): (&str, &str)) -> bool {
    let before = text(extra, body);
    assert!(before.contains(old), "{old}");
    total(&before) != total(&before.replace(old, new))
}

#[test]
#[rustfmt::skip] // One line per case.
fn a_type_of_which_single_fields_are_read_does_not_count() {
    let rows = [
        ("", "params.train.rounds"),
        ("", "helper(&params.train)"),
        ("", "helper(&params.train) + helper(&params.again)"),
        ("", "both(&params.train, &params.again)"),
        ("", "outer(params)"),
        ("", "outer(params) + helper(&params.train)"),
        ("", "params.train.total()"),
        ("", "params.steps() + params.train.total()"),
        ("", "println!(\"{}\", params.steps()); helper(&params.train)"),
        ("mod m { pub fn f(p: &super::Train) -> u32 { p.rounds } }\nuse m::f as g;", "g(&params.train)"),
        ("fn a(n: u32, p: &Train) -> u32 { if n == 0 { p.rounds } else { a(n - 1, p) } }", "a(3, &params.train)"),
        ("fn a(p: &Params) -> u32 { b(p) + p.train.rounds }\nfn b(p: &Params) -> u32 { a(p) }", "a(params)"),
        ("fn unrelated() -> u32 { helper(&Default::default()) }", "helper(&params.train)"),
        ("impl Train { fn twice(p: &Train) -> u32 { p.rounds } }", "helper(&params.train)"),
    ];
    for (extra, body) in rows {
        for edit in OF_THE_TYPE {
            assert!(!moves(extra, body, *edit), "{extra}\n{body}\n{edit:?}");
        }
        assert!(!moves(extra, body, ("pub rate: f64", "pub rate: f64, pub more: u8")), "{body}");
        assert!(moves(extra, body, ("pub rounds: u32, pub batch", "pub rounds: u64, pub batch")), "{body}");
    }
}

#[test]
#[rustfmt::skip] // One line per case.
fn a_type_that_anything_else_may_use_counts() {
    let rows = [
        ("", "helper(&params.train) + helper(&Default::default())"),
        ("", "helper(&params.train); helper(&5.into())"),
        ("", "both(&params.train, &Default::default())"),
        ("", "both(&params.train, &params.again) + both(&Default::default(), &params.train)"),
        ("", "let f = helper; f(&params.train)"),
        ("", "helper(&params.train) + apply(helper)"),
        ("", "helper(&params.train.clone())"),
        ("", "let copy = params.train.clone(); helper(&params.train)"),
        ("", "let all = params.clone(); helper(&all.train)"),
        ("", "println!(\"{:?}\", params.train); helper(&params.train)"),
        ("", "helper(&params.train) + Train::default().rounds"),
        ("fn other() -> u32 { helper(&Default::default()) }", "helper(&params.train) + other()"),
        ("fn other() -> u32 { apply(helper) }", "helper(&params.train) + other()"),
        ("fn other(t: Train) -> u32 { t.rounds }", "helper(&params.train) + other(5.into())"),
        ("type Alias = Train; fn other(t: Alias) {}", "helper(&params.train); other(5.into())"),
        ("static F: fn(&Train) -> u32 = helper;", "helper(&params.train) + F(&Default::default())"),
        ("macro_rules! m { () => { helper(&Default::default()) } }", "helper(&params.train) + m!()"),
        ("mod m { pub use super::helper as h; }\nfn other() -> u32 { m::h(&Default::default()) }", "helper(&params.train) + other()"),
        ("fn f(p: &Train) -> u32 { let d = Train::default(); p.rounds + d.rounds }", "f(&params.train)"),
        ("fn f(p: &Train) -> u32 { p.rounds + helper(&Default::default()) }", "f(&params.train)"),
        ("fn f(p: &Train) -> u32 { p.rounds + f(&Default::default()) }", "f(&params.train)"),
        ("fn f(p: &Train) -> Train { Default::default() }", "f(&params.train); 1"),
        ("impl Train { fn f(&self) -> u32 { self.rounds + Self::default().rounds } }", "params.train.f()"),
        ("impl Train { fn f(&self) -> u32 { self.rounds + helper(&Default::default()) } }", "params.train.f()"),
        ("impl Train { fn f(&self, other: &Self) -> u32 { self.rounds + other.rounds } }", "params.train.f(&Default::default())"),
        ("impl Train { fn f(&self) -> u32 { size(self) } }", "params.train.f()"),
        ("impl Show for Train { fn show(&self) -> u32 { 1 } }", "helper(&params.train) + 1_u8.show()"),
        ("struct Holder { train: Train }", "helper(&params.train) + Holder { train: 5.into() }.train.rounds"),
    ];
    for (extra, body) in rows {
        for edit in OF_THE_TYPE {
            assert!(moves(extra, body, *edit), "{extra}\n{body}\n{edit:?}");
        }
    }
}

#[test]
fn what_reads_the_fields_counts() {
    let rows = [
        ("helper(&params.train)", ("{ p.rounds }", "{ p.rounds + 1 }")),
        ("outer(params)", ("FACTOR: u32 = 2", "FACTOR: u32 = 3")),
        ("outer(params)", ("{ p.rounds }", "{ p.rounds + 1 }")),
        ("params.train.total()", ("{ self.rounds * scale() }", "{ self.rounds - scale() }")),
        ("params.train.total()", ("{ 7 }", "{ 8 }")),
        ("params.steps()", ("{ self.train.total() }", "{ self.again.total() }")),
        ("params.steps()", ("{ 7 }", "{ 8 }")),
        ("helper(&params.train)", ("pub rounds: u32, pub batch", "pub rounds: Unit, pub batch")),
    ];
    for (body, edit) in rows {
        assert!(moves("struct Unit(u32);", body, edit), "{body}\n{edit:?}");
    }
    let swapped = (
        "pub train: Train, pub again: Train, pub other: Other",
        "pub train: Other, pub again: Train, pub other: Train",
    );
    assert!(moves("", "params.train.total() - 2 * params.other.total()", swapped));
    let units = "mod m { pub struct Unit; impl Unit { pub fn get(&self) -> u32 { 1 } }\n\
         #[derive(Serialize)] pub struct A { pub unit: Unit } }\n\
         mod n { pub struct Unit; impl Unit { pub fn get(&self) -> u32 { 2 } }\n\
         #[derive(Serialize)] pub struct B { pub unit: Unit } }\n\
         #[derive(Serialize)] struct P { a: m::A, b: n::B }";
    let text = |units: &str| {
        format!(
            "{units}\n#[stage]\nfn fit(params: &P) -> u32 {{ params.a.unit.get() - params.b.unit.get() }}"
        )
    };
    let swapped = units.replace("a: m::A, b: n::B", "a: n::B, b: m::A");
    assert_ne!(total(&text(units)), total(&text(&swapped)));
}
