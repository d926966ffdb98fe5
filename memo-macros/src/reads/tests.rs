use super::{FieldPath, PARAMS, Through, outermost, uses};

/// Returns what a body reads, joined by spaces; `*` is the whole value.
fn read(body: &str) -> String {
    let uses = uses(PARAMS, body.parse().expect(body));
    let handed = uses.sites.iter().map(|site| site.at.clone());
    let found: Vec<FieldPath> = outermost(uses.fields.iter().cloned().chain(handed).collect());
    let names =
        found.iter().map(|path| if path.0.is_empty() { "*".to_owned() } else { path.text() });
    names.collect::<Vec<_>>().join(" ")
}

fn check(rows: &[(&str, &str)]) {
    for (body, expected) in rows {
        assert_eq!(read(body), *expected, "{body}");
    }
}

#[test]
fn format_strings_with_escapes_are_seen_through() {
    check(&[
        (r#"println!("\u{7b}params}")"#, "*"),
        (r#"println!("\x7bparams}")"#, "*"),
        (r#"println!("{\u{70}arams}")"#, "*"),
        (r##"println!(r#"{params}"#)"##, "*"),
        (r#"println!("\\u{7b}parameter}")"#, ""),
    ]);
}

#[test]
fn macros_that_are_taken_for_std_are_told() {
    let macros = |body: &str| {
        uses(PARAMS, body.parse().expect(body)).macros.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(macros("vec![1]; println!(\"{}\", params.rate)"), "println");
    assert_eq!(macros("assert!(vec![params.rate].len() == 1)"), "assert vec");
}

#[test]
fn fields() {
    check(&[
        ("", ""),
        ("1 + 1", ""),
        ("params.rate", "rate"),
        ("params.rate + params.seed as f64", "rate seed"),
        ("params.train.rate", "train.rate"),
        ("params . train\n. rate", "train.rate"),
        ("&params.rate", "rate"),
        ("*params.rate.0", "rate.0"),
        ("params.0", "0"),
        ("params.0.1", "0.1"),
        ("params.0.1.2", "0.1.2"),
        ("params.0.rate", "0.rate"),
        ("params.r#type", "type"),
        ("0..params.n", "n"),
        ("0..=params.n", "n"),
        ("params.n..params.m", "m n"),
        ("params.0..5", "0"),
        ("-params.rate", "rate"),
        ("f(g(&params.rate), [params.seed])", "rate seed"),
        ("if params.deep { params.a } else { params.b }", "a b deep"),
        ("move || params.rate", "rate"),
        ("Layer { rate: params.rate, ..Layer::new(params.seed) }", "rate seed"),
        ("let p = &params.train; p.rate", "train"),
        ("params.layers[0].width", "layers"),
        ("params.path?.name", "path"),
        ("(params.f)(1)", "f"),
    ]);
}

#[test]
fn methods_of_fields() {
    check(&[
        ("params.layers.len()", "layers"),
        ("params.layers.iter().map(|layer| layer.width)", "layers"),
        ("params.rate.sqrt() + params.train.rate.sqrt()", "rate train.rate"),
        ("params.text.parse::<u8>()", "text"),
    ]);
}

#[test]
fn a_field_stands_for_what_lies_in_it() {
    check(&[
        ("params.train.rate + params.train.seed", "train.rate train.seed"),
        ("params.train.rate; f(&params.train)", "train"),
        ("f(&params.train); params.train.rate", "train"),
        ("params.rate; params.rate", "rate"),
        ("params.rate; params.rates", "rate rates"),
        ("f(params); params.rate", "*"),
    ]);
}

#[test]
fn escapes() {
    check(&[
        ("f(params)", "*"),
        ("f(&params)", "*"),
        ("params", "*"),
        ("params.clone()", "*"),
        ("params.total::<f64>()", "*"),
        ("(*params).rate", "*"),
        ("(params).rate", "*"),
        ("let params = 1;", "*"),
        ("let params: &Other = x; params.field", "*"),
        ("let Params { rate, .. } = params;", "*"),
        ("|params| params.rate", "*"),
        ("fn inner(params: &Other) -> u8 { params.field }", "*"),
        ("State { params }", "*"),
        ("State { params: 1 }", "*"),
        ("Params { rate: 1.0, ..params }", "*"),
        ("r#params.rate", "rate"),
    ]);
}

#[test]
fn other_things_of_that_name() {
    check(&[
        ("self.params.rate", ""),
        ("model.params", ""),
        ("model.params()", ""),
        ("params::load(1)", ""),
        ("crate::params::load(1)", ""),
        ("config::params", ""),
        ("'params: loop { break 'params; }", ""),
        ("my_params.rate", ""),
        ("params_of(1)", ""),
    ]);
}

#[test]
fn macros_of_std_are_seen_through() {
    check(&[
        ("println!(\"{}\", params.rate)", "rate"),
        ("std::println!(\"{}\", params.rate)", "rate"),
        ("vec![params.rate; params.n]", "n rate"),
        ("assert!(params.n > 0, \"{}\", params.seed)", "n seed"),
        ("matches!(params.kind, Kind::A)", "kind"),
        ("write!(f, \"{}\", vec![params.a])", "a"),
        ("dbg!(params)", "*"),
        ("format!(\"{params}\", params = 1)", "*"),
    ]);
}

#[test]
fn other_macros_are_not() {
    check(&[
        ("info!(\"{}\", params.rate)", "*"),
        ("log::info!(rate = params.rate)", "*"),
        ("mine::format!(\"{}\", params.rate)", "*"),
        ("info!(\"no more\"); params.rate", "rate"),
        ("info!(\"{params:?}\")", "*"),
        ("array![[params.rate]]", "*"),
        ("macro_rules! rate { () => { params.rate } }", "*"),
        ("macro_rules! one { () => { 1 } }", ""),
        ("include!(\"body.rs\")", "*"),
    ]);
}

#[test]
fn format_strings_capture() {
    check(&[
        ("println!(\"{params:?}\")", "*"),
        ("println!(\"{params}\")", "*"),
        ("println!(\"{ params }\")", "*"),
        ("println!(\"{:>params$}\", 1)", "*"),
        ("println!(\"{:.params$}\", 1)", "*"),
        ("println!(r#\"{params:?}\"#)", "*"),
        ("println!(\"the params: {}\", 1)", ""),
        ("println!(\"{params_of}\")", ""),
        ("\"params\"", ""),
    ]);
}

#[test]
fn relative_paths() {
    let path =
        |text: &str| uses(PARAMS, format!("params.{text}").parse().expect(text)).fields.remove(0);
    assert!(path("train").contains(&path("train.rate")));
    assert!(!path("train.rate").contains(&path("train")));
    assert!(!path("train").contains(&path("trains")));
    assert_eq!(path("train").relative(&path("train.rate.0")), "rate.0");
}

/// Returns where a body hands params on.
fn handed(body: &str) -> Vec<String> {
    let uses = uses(PARAMS, body.parse().expect(body));
    let shown = |site: &super::Site| match &site.to {
        Through::Call(path, at) => format!("{}({at}: {})", path.join("::"), site.at.text()),
        Through::Method(name) => format!("{}.{name}()", site.at.text()),
    };
    uses.sites.iter().map(shown).collect()
}

#[test]
fn places_where_params_are_handed_on() {
    let rows: &[(&str, &[&str])] = &[
        ("f(params)", &["f(0: )"]),
        ("a::f(1, &params)", &["a::f(1: )"]),
        ("Params::f(g::<A, B>(1), &params.train)", &["Params::f(1: train)"]),
        ("!f(params) && g(h(params))", &["f(0: )", "h(0: )"]),
        ("params.f(1)", &[".f()"]),
        ("params.a.f(params)", &["a.f()"]),
        ("f(params.rate)", &[]),
        ("x.f(params)", &[]),
        ("f::<u8>(params)", &[]),
        ("<P as T>::f(params)", &[]),
        ("::f(params)", &[]),
        ("fn f(params) {}", &[]),
        ("if (params) {}", &[]),
        ("f(params + 1)", &[]),
        ("f(&mut params)", &[]),
        ("m!(f(params))", &[]),
        ("println!(\"{}\", f(params))", &["f(0: )"]),
    ];
    for (body, expected) in rows {
        assert_eq!(handed(body), *expected, "{body}");
    }
}

#[test]
fn what_lies_too_deep_counts_as_all_of_it() {
    let deep = |inner: &str| format!("{}{inner}{}", "(".repeat(20_000), ")".repeat(20_000));
    let fields = |text: String| {
        let fields = uses("params", text.parse().unwrap()).fields;
        fields.iter().map(FieldPath::text).collect::<Vec<_>>()
    };
    assert_eq!(fields(format!("params.a + {}", deep("b"))), ["a"]);
    assert_eq!(fields(format!("params.a + {}", deep("params.b"))), [""]);
    assert_eq!(fields(format!("f({}, params.c)", deep("x"))), ["c"]);
    assert_eq!(fields(format!("f({}, params.c)", deep("params.b"))), [""]);
}
