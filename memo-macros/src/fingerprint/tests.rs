use super::fingerprint;

fn of(source: &str) -> u128 {
    fingerprint([source.parse().expect(source)])
}

#[test]
fn what_cannot_change_a_result_does_not_count() {
    let rows = [
        ("{ a + b }", "{ a /* why */ + // because\n b }"),
        ("fn f(a: u8) {}", "/// Docs.\nfn f(/** docs */ a: u8) {}"),
        ("{ let a = 1; }", "{ //! inner docs\n let a = 1; }"),
        (
            "fn f() {}",
            "#[inline(always)] #[allow(unused)] #[must_use] #[expect(x, reason = \"y\")] fn f() {}",
        ),
        ("{ a }", "{ #![allow(unused)] a }"),
        ("fn f(a: u8, b: u8) {}", "fn f(a: u8, b: u8,) {}"),
        ("fn f<A, B>() {}", "fn f<A, B,>() {}"),
        ("f(a)", "f(a,)"),
        ("x.f(a)", "x.f(a,)"),
        ("vec![a, b]", "vec![a, b,]"),
        ("println!(a)", "println!(a,)"),
        ("f::<A>(a)", "f::<A>(a,)"),
        ("S { a, b }", "S { a, b, }"),
        ("(a, b)", "(a, b,)"),
        ("match x { A => { 1 } B => { 2 } }", "match x { A => { 1 }, B => { 2 }, }"),
        ("where A: B", "where A: B,"),
        ("r#type", "r#type"),
        ("r#model", "model"),
    ];
    for (a, b) in rows {
        assert_eq!(of(a), of(b), "{a} and {b}");
    }
}

#[test]
fn everything_else_counts() {
    let rows = [
        ("a + b", "a - b"),
        ("a + b", "b + a"),
        ("1", "2"),
        ("1", "\"1\""),
        ("1", "1.0"),
        ("a", "\"a\""),
        ("{ a }", "( a )"),
        ("(a b)", "(a) b"),
        ("[a, b]", "[a], b"),
        ("(x,)", "(x)"),
        ("return (x,)", "return (x)"),
        ("=> (x,)", "=> (x)"),
        ("-> (X,)", "-> (X)"),
        ("f((x,))", "f((x))"),
        ("[S {}, -b]", "[S {} -b]"),
        ("a && b", "a & &b"),
        ("#[cfg(x)] a", "a"),
        ("#[derive(A)] struct S;", "struct S;"),
        ("ab", "a b"),
    ];
    for (a, b) in rows {
        assert_ne!(of(a), of(b), "{a} and {b}");
    }
}

#[test]
fn parts_are_told_apart() {
    let parts = |parts: &[&str]| fingerprint(parts.iter().map(|part| part.parse().expect(part)));
    assert_ne!(parts(&["a b", "c"]), parts(&["a", "b c"]));
    assert_ne!(parts(&["a", ""]), parts(&["", "a"]));
}

/// The fingerprints of a release are those of the next: an upgrade must not run everything again.
#[test]
fn fingerprints_stay() {
    let body = "{ let rate = params.rate; fit(train, rate, &[1, 2,], \"a\")?; Ok((x,)) }";
    assert_eq!(format!("{:032x}", of(body)), "2029c2b7cded0589cf22ee34b7b84c6e");
}
