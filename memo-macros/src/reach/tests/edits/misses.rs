//! Edits that must run the stage again.

use super::{Edit, check};

const LIB: &str = "src/lib.rs";
const GEOMETRY: &str = "src/geometry.rs";
const SHAPES: &str = "src/shapes.rs";

#[rustfmt::skip] // One line per edit.
const EDITS: &[Edit] = &[
    ("the body", LIB, "params.rate *", "2.0 * params.rate *"),
    ("a helper behind a renamed import", GEOMETRY, "f64 { helper(v.x, v.y) }", "f64 { helper(v.y, v.y) }"),
    ("a helper of that helper", GEOMETRY, ".sqrt() + EPSILON", ".sqrt() - EPSILON"),
    ("a constant of that helper", GEOMETRY, "1e-9", "1e-8"),
    ("depth 1", "src/deep/mod.rs", "{ second(x) }", "{ second(x) + 1.0 }"),
    ("depth 2", "src/deep/mod.rs", "{ self::er::third(x) }", "{ self::er::third(x) + 1.0 }"),
    ("depth 3", "src/deep/er.rs", "fourth(x)", "fourth(x) + 1.0"),
    ("depth 4", "src/deep/est.rs", "{ fifth(x) }", "{ fifth(x) + 1.0 }"),
    ("depth 5", "src/deep/est.rs", "x + 5.0", "x + 5.5"),
    ("a function in a module with #[path]", "src/elsewhere/path.rs", "x + 0.5", "x + 0.75"),
    ("a function in an inline module", LIB, "{ INNER + super::CAP }", "{ INNER - super::CAP }"),
    ("a constant of an inline module", LIB, "INNER: f64 = 0.25", "INNER: f64 = 0.5"),
    ("a constant behind super", LIB, "CAP: f64 = 100.0", "CAP: f64 = 90.0"),
    ("a constant in the length of an array", LIB, "SIZE: usize = 3", "SIZE: usize = 4"),
    ("a static", LIB, "[1.0, 2.0]", "[1.5, 2.0]"),
    ("a constant in a format string", LIB, "LIMIT: f64 = 7.0", "LIMIT: f64 = 7.5"),
    ("the precision in a format string", LIB, "LEVEL: u32 = 4", "LEVEL: u32 = 5"),
    ("a method that is called", GEOMETRY, "self.x * Self::FACTOR", "self.x + Self::FACTOR"),
    ("an associated constant", GEOMETRY, "FACTOR: f64 = 1.25", "FACTOR: f64 = 1.5"),
    ("an associated function", GEOMETRY, "Vec2 { x: 1.0, y: 0.0 }", "Vec2 { x: 0.0, y: 1.0 }"),
    ("an associated function behind a renamed type", SHAPES, "(side: f64) -> f64 { side }", "(side: f64) -> f64 { -side }"),
    ("an operator", GEOMETRY, "self.x + other.x", "self.x - other.x"),
    ("a drop", GEOMETRY, "let _ = 11;", "let _ = 12;"),
    ("another foreign trait of a reached type", SHAPES, "fn fmt(&self) -> u8 { 1 }", "fn fmt(&self) -> u8 { 2 }"),
    ("a method of a trait behind a generic", SHAPES, "3.14 *", "3.1415 *"),
    ("a method of a trait behind dyn", SHAPES, "self.side * self.side", "self.side + self.side"),
    ("a default method of a trait", GEOMETRY, "self.area() * 2.0", "self.area() * 2.5"),
    ("a new implementation of a reached trait", SHAPES, "pub struct Circle", "impl Shape for u8 { fn area(&self) -> f64 { 1.0 } }\npub struct Circle"),
    ("a method of a local trait on a foreign type, by a macro", LIB, "{ 2.5 }", "{ 2.75 }"),
    ("a generic function", LIB, "{ shape.area() }", "{ -shape.area() }"),
    ("a closure in a helper", LIB, "shape.doubled()", "shape.area()"),
    ("a discriminant", GEOMETRY, "Full = 2", "Full = 3"),
    ("the order of fields of an output", LIB, "    value: f64,\n    #[serde(with = \"codec\")]\n    note: String,", "    #[serde(with = \"codec\")]\n    note: String,\n    value: f64,"),
    ("a private type of a field", GEOMETRY, "pub x: f64", "pub x: f32"),
    ("a derive", SHAPES, "derive(Debug)", "derive(Debug, Clone)"),
    ("a function that serde calls", LIB, "fn default_out() -> Out { todo!() }", "fn default_out() -> Out { panic!() }"),
    ("a module that serde calls", LIB, "deserialize() -> u8 { 2 }", "deserialize() -> u8 { 4 }"),
    ("the body of a macro", LIB, "assert!($x <", "assert!($x <="),
    ("a function that only the macro names", LIB, "1e9", "1e8"),
    ("an argument of the macro that writes a function", LIB, "make!(made, 4.0)", "make!(made, 4.5)"),
    ("the macro that writes a function", LIB, "f64 { $value }", "f64 { 1.0 * $value }"),
    ("an included file", "src/offset.txt", "1.5", "1.75"),
    ("two imports that swap their names", LIB, "fast as first, slow as second", "fast as second, slow as first"),
    ("what a renamed import names", LIB, "norm as length", "fast as length"),
    ("a function behind a glob in the body, in a table", GEOMETRY, "x + 6.0", "x + 6.5"),
    ("the type of a field of params that is read", LIB, "fn factor(&self) -> f64 { 1.0 }", "fn factor(&self) -> f64 { 1.5 }"),
    ("a stage that another one is", LIB, "pub fn fit(params: &Params,", "pub fn fit(params: &Params, more: Train,"),
    ("a function of params that escape", LIB, "let text =", "let copy = params.clone(); let text ="),
];

#[test]
fn what_a_stage_reaches_moves_its_fingerprint() {
    check(EDITS, true);
}
