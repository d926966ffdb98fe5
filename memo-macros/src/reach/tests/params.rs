//! The fields of params that are read behind calls: a helper, the body of the stage, the fields.

use super::sandbox::Sandbox;

/// What every case has.
const BASE: &str = r#"
#[derive(Clone, Serialize, Deserialize)]
pub struct Params { pub rate: f64, pub seed: u64, pub train: Train, pub data: Data, pub other: u8, pub pair: (u8, u8) }
#[derive(Clone, Serialize)]
pub struct Train { pub rounds: u32, pub batch: u32, pub layers: Vec<u32> }
#[derive(Serialize, Clone, Copy)]
pub struct Data { pub size: u64, pub share: f64 }
pub fn rate(p: &Params) -> f64 { p.rate }
pub fn first(params: &Params) -> f64 { second(1, params) }
fn second(n: u8, p: &Params) -> f64 { third(p) + f64::from(n) }
fn third(config: &Params) -> f64 { config.rate }
pub fn rounds(train: &Train) -> u32 { train.rounds }
impl Params {
    pub fn steps(&self) -> u32 { self.train.rounds * self.train.batch }
    pub fn scaled(&self, by: f64) -> f64 { self.rate * by }
    pub fn both(&self) -> f64 { self.scaled(2.0) + self.seed as f64 }
    pub fn make(seed: u64) -> Self { Self { seed, ..todo() } }
    pub fn of(p: &Self) -> u64 { Self::seeded(p) }
    fn seeded(p: &Params) -> u64 { p.seed }
    pub fn again(&self, n: u8) -> f64 { if n == 0 { self.rate } else { self.again(n - 1) } }
    pub fn whole(&self) -> Params { self.clone() }
    pub fn inner(&self) -> u32 { self.train.total() }
    pub fn captured(&self) -> u64 { let f = || self.seed; f() }
    pub fn printed(&self) -> String { format!("{self:?}") }
}
impl Train {
    pub fn total(&self) -> u32 { self.rounds }
}
impl Data {
    pub fn parts(&self) -> u64 { self.size }
}
"#;

type Case = (&'static str, &'static str, &'static str);

fn fields(extra: &str, body: &str) -> String {
    let text = format!("{BASE}\n{extra}\n#[stage]\nfn fit(params: &Params) {{ {body} }}");
    let sandbox =
        Sandbox::new(&[("src/lib.rs", &text), ("Cargo.toml", "[package]\nname = \"demo\"")]);
    sandbox.fields()
}

fn check(cases: &[Case]) {
    for (extra, body, expected) in cases {
        assert_eq!(fields(extra, body), *expected, "{extra}\n{body}");
    }
}

#[test]
fn a_macro_of_ones_own_that_is_named_as_one_of_std_is_not_trusted() {
    let own = "macro_rules! dbg { ($p:ident . $f:ident) => { $p.seed } }";
    let helper = "fn hidden(params: &Params) -> u64 { dbg!(params.rate) }";
    assert_eq!(fields(helper, "hidden(params)"), "rate");
    assert_eq!(fields(&format!("{own}\n{helper}"), "hidden(params)"), "*");
}

#[test]
#[rustfmt::skip] // One line per case.
fn what_is_followed() {
    check(&[
        ("", "rate(params)", "rate"),
        ("", "rate(&params)", "rate"),
        ("", "crate::rate(params) + params.seed", "rate seed"),
        ("", "first(params)", "rate"),
        ("", "println!(\"{}\", first(params))", "rate"),
        ("", "rounds(&params.train)", "train.rounds"),
        ("", "params.steps()", "train.batch train.rounds"),
        ("", "params.scaled(params.seed as f64)", "rate seed"),
        ("", "params.both()", "rate seed"),
        ("", "Params::both(params)", "rate seed"),
        ("", "Params::of(params)", "seed"),
        ("", "params.again(3)", "rate"),
        ("", "params.inner()", "train.rounds"),
        ("", "params.train.total()", "train.rounds"),
        ("", "params.captured()", "seed"),
        ("", "params.train.total(); params.train.clone()", "train"),
        ("", "move || rate(params)", "rate"),
        ("", "(0..3).map(|_| params.scaled(1.0)).sum()", "rate"),
        ("mod m { use super::Params; pub fn f(p: &Params) -> u64 { p.seed } }", "m::f(params)", "seed"),
        ("mod m { use super::*; pub fn f(p: &Params) -> u64 { p.seed } }\nuse m::f as g;", "g(params)", "seed"),
        ("fn a(p: &Params) { b(p) }\nfn b(p: &Params) { a(p); p.seed; }", "a(params)", "seed"),
        ("fn nothing(_p: &Params) {}", "nothing(params)", ""),
        ("fn f<'a>(p: &'a Params) -> &'a f64 { &p.rate }", "f(params)", "rate"),
        ("#[inline] #[must_use] fn f(p: &Params) -> f64 { p.rate }", "f(params)", "rate"),
        ("fn f(p: &Params) -> Option<u8> { Some(p.pair.0?) }", "f(params)", "pair"),
        ("fn f(x: f64, p: &Params) -> f64 { 'a: loop { break 'a p.rate + x } }", "f(g::<u8, u8>(1), params)", "rate"),
        ("fn f(p: &Params) { p.gone; }", "f(params)", "*"),
        ("fn f(p: &Params) { p.pair.0; p.train.layers[0]; }", "f(params)", "pair train.layers"),
    ]);
}

#[test]
#[rustfmt::skip] // One line per case.
fn what_is_handed_on_whole() {
    check(&[
        ("", "unknown(params)", "*"),
        ("", "params.clone()", "*"),
        ("", "params.whole()", "*"),
        ("", "params.printed()", "*"),
        ("", "params.missing()", "*"),
        ("", "let params = 1; rate(params)", "*"),
        ("", "let rate = |p: &Params| p.seed; rate(params)", "*"),
        ("", "fn rate(p: &Params) -> u64 { p.seed } rate(params)", "*"),
        ("", "use other::rate; rate(params)", "*"),
        ("", "mod m {} rate(params)", "rate"),
        ("", "let x = helper(params, |rate| 1); rate(params)", "*"),
        ("macro_rules! def { () => { fn rate(p: &Params) -> u64 { p.seed } } }", "def!(); rate(params)", "*"),
        ("", "Box::new(params)", "*"),
        ("", "Some(params)", "*"),
        ("", "let p = params; p.rate", "*"),
        ("", "(params, 1)", "*"),
        ("fn f<T>(p: &T) {}", "f(params)", "*"),
        ("fn f(p: &impl Clone) {}", "f(params)", "*"),
        ("fn f(p: &dyn Any) {}", "f(params)", "*"),
        ("fn f(p: &Params) -> &Params { p }", "f(params).seed", "*"),
        ("fn f(p: &Params) { store(Holder { p }) }", "f(params)", "*"),
        ("fn f(p: &Params) { let q = p; q.rate; }", "f(params)", "*"),
        ("fn f(mut p: &Params) { p.rate; }", "f(params)", "*"),
        ("fn f(Params { rate, .. }: &Params) {}", "f(params)", "*"),
        ("fn f(p: &Params) { p == p; }", "f(params)", "*"),
        ("fn f(p: &Params) { mine!(p.rate) }", "f(params)", "*"),
        ("fn f(p: &Params) { println!(\"{p:?}\") }", "f(params)", "*"),
        ("fn f(p: &Params) { xs.iter().map(|p| p.rate); }", "f(params)", "*"),
        ("fn f(p: &Params) { fn g(p: &Other) { p.rate; } }", "f(params)", "*"),
        ("#[cfg(unix)] fn f(p: &Params) {}\n#[cfg(windows)] fn f(p: &Params) { p.rate; }", "f(params)", "*"),
        ("#[cfg(unix)] fn f(p: &Params) {}", "f(params)", "*"),
        ("#[cfg(unix)] mod m { pub fn f(p: &super::Params) {} }", "m::f(params)", "*"),
        ("#[rewrite] fn f(p: &Params) { p.rate; }", "f(params)", "*"),
        ("#[stage] fn f(p: &Params) { p.rate; }", "f(params)", "*"),
        ("mod a { pub fn f(p: &super::Params) {} }\nmod b { pub fn f(p: &super::Params) {} }\nuse a::*;\nuse b::*;", "f(params)", "*"),
        ("make! { fn f(p: &Params) {} }", "f(params)", "*"),
        ("fn f(p: &Train) { p.rounds; }", "f(params)", "*"),
        ("trait T { fn t(&self) -> u8; }\nimpl T for Params { fn t(&self) -> u8 { self.other } }", "params.t()", "*"),
        ("#[cfg(unix)]\nimpl Params { pub fn f(&self) -> u8 { self.other } }", "params.f()", "*"),
        ("#[rewrite]\nimpl Params { pub fn f(&self) -> u8 { self.other } }", "params.f()", "*"),
        ("impl Params { pub fn f(self: &Self) -> u8 { self.other } }", "params.f()", "*"),
        ("mod m { impl super::Params { fn f(&self) -> u8 { self.other } } }", "params.f()", "*"),
        ("impl CacheKey for Params { fn key(&self) {} }", "rate(params)", "*"),
        ("fn f(p: &Params) { p.data.parts(); }", "f(params)", "data"),
        ("", "params.data.parts()", "data"),
        ("fn f(p: &Params) { drop(p.train.layers.len()); }", "f(params)", "train.layers"),
    ]);
}

/// A stage whose params are declared in a way of their own.
fn of_type(types: &str, body: &str) -> String {
    let text = format!("{types}\n#[stage]\nfn fit(params: &P) {{ {body} }}");
    Sandbox::new(&[("src/lib.rs", &text), ("Cargo.toml", "[package]\nname = \"demo\"")]).fields()
}

#[test]
#[rustfmt::skip] // One line per case.
fn fields_that_a_key_cannot_name_enter_with_what_is_around_them() {
    let rows: &[(&str, &str, &str)] = &[
        ("#[derive(Serialize)] struct P { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "a"),
        ("#[derive(Serialize)] struct P(u8, u8);\nfn f(p: &P) { p.1; }", "f(params)", "1"),
        ("#[derive(Debug)] struct P { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[derive(Serialize)] struct P { #[serde(skip)] a: u8, b: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[derive(Serialize)] struct P { #[serde(with = \"x\")] a: u8, b: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[derive(Serialize)] struct P { #[serde(default)] a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "a"),
        ("#[derive(Serialize)] #[serde(into = \"Q\")] struct P { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[derive(Serialize)] struct P { #[cfg(unix)] a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[rewrite] #[derive(Serialize)] struct P { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("#[derive(Serialize)] enum P { A { a: u8 } }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("union P { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("type P = Q;\n#[derive(Serialize)] struct Q { a: u8 }\nfn f(p: &P) { p.a; }", "f(params)", "*"),
        ("mod m { #[derive(Serialize)] pub struct P { a: u8, pub b: u8 }\npub fn f(p: &P) { p.a; } }\nuse m::{f, P};", "f(params)", "*"),
        ("mod m { #[derive(Serialize)] pub struct P { a: u8, pub b: u8 }\npub fn f(p: &P) { p.b; } }\nuse m::{f, P};", "f(params)", "b"),
        ("mod m { #[derive(Serialize)] pub struct P { pub(super) a: u8, pub(crate) b: u8 }\npub fn f(p: &P) { p.b; p.a; } }\nuse m::{f, P};", "f(params)", "a b"),
        ("mod m { #[derive(Serialize)] pub struct P { pub(in self) a: u8 }\npub fn f(p: &P) { p.a; } }\nuse m::{f, P};", "f(params)", "*"),
        ("mod m { #[derive(Serialize)] pub struct Q { a: u8 }\nimpl Q { pub fn f(&self) -> u8 { self.a } } }\n#[derive(Serialize)] struct P { q: m::Q }", "params.q.f()", "q"),
        ("#[derive(Serialize)] struct P { q: Q<u8> }\n#[derive(Serialize)] struct Q<T> { a: T }\nfn f(p: &P) { p.q.a; }", "f(params)", "q"),
        ("#[derive(Serialize)] struct P { q: Q }\nstruct Q { a: u8 }\nfn f(p: &P) { p.q.a; }", "f(params)", "q"),
    ];
    for (types, body, expected) in rows {
        assert_eq!(of_type(types, body), *expected, "{types}\n{body}");
    }
}

#[test]
fn private_fields_of_another_crate_are_never_named() {
    let text = |body: &str| format!("use outer::Far;\n#[stage]\nfn fit(params: &Far) {{ {body} }}");
    let read = |body: &str| {
        Sandbox::new(&[
            ("src/lib.rs", &text(body)),
            ("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nouter = { path = \"outer\" }"),
            ("outer/Cargo.toml", "[package]\nname = \"outer\""),
            (
                "outer/src/lib.rs",
                "#[derive(Serialize)]\npub struct Far { pub open: u8, closed: u8, pub(crate) own: u8 }\n\
                 impl Far {\n pub fn open(&self) -> u8 { self.open }\n \
                 pub fn closed(&self) -> u8 { self.closed }\n pub fn own(&self) -> u8 { self.own }\n}",
            ),
        ])
        .fields()
    };
    assert_eq!(read("params.open()"), "open");
    assert_eq!(read("params.closed()"), "*");
    assert_eq!(read("params.own()"), "*");
}

#[test]
fn an_unrelated_field_changes_nothing() {
    let before = fields("", "params.both() + first(params)");
    let text = BASE.replace("pub other: u8", "pub other: u8, pub more: Vec<Train>");
    let text =
        format!("{text}\n#[stage]\nfn fit(params: &Params) {{ params.both() + first(params) }}");
    let sandbox =
        Sandbox::new(&[("src/lib.rs", &text), ("Cargo.toml", "[package]\nname = \"demo\"")]);
    assert_eq!(sandbox.fields(), before);
}

#[test]
fn a_stage_inside_of_a_function_follows_nothing() {
    let text =
        format!("{BASE}\nfn outer() {{\n#[stage]\nfn fit(params: &Params) {{ rate(params) }}\n}}");
    let sandbox =
        Sandbox::new(&[("src/lib.rs", &text), ("Cargo.toml", "[package]\nname = \"demo\"")]);
    let linked = sandbox.linked();
    let line = text.lines().count() - 1;
    let handed = crate::reach::Handed {
        stage: "fit".to_owned(),
        ty: vec!["Params".to_owned()],
        body: crate::reach::Body::default(),
        sites: Vec::new(),
    };
    let sources = crate::reach::params::Sources::default();
    let file = linked.world.modules[0].file.clone();
    assert!(crate::reach::params::through(&linked, &sources, &file, line, &handed).is_none());
}
