//! The test vectors of the specification.

use std::fmt::Write as _;

use super::*;

/// The specification, with a table between two marks.
const SPECIFICATION: &str = include_str!("../../../../docs/canonical-digest.md");

#[derive(Serialize)]
struct Empty;

#[derive(Serialize)]
struct Metres(f64);

#[derive(Serialize)]
struct Pair(u8, u8);

#[derive(Serialize)]
struct Params {
    rate: f64,
    hidden: u32,
    seed: u64,
}

#[derive(Serialize)]
struct Long {
    text: String,
}

#[derive(Serialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(u8, u8),
    Box { width: u8, a: u8 },
}

/// Returns description, encoding and digest of each vector.
fn vectors() -> Vec<(&'static str, Vec<u8>, Digest)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    std::fs::write(&file, "abc").unwrap();
    let mut vectors = Vec::new();
    macro_rules! vector {
        ($($description:literal: $value:expr;)*) => {$(
            vectors.push(($description, encoding_of(&$value), digest(&$value)));
        )*};
    }
    vector! {
        "`()`": ();
        "`false`": false;
        "`true`": true;
        "`1_i8`": 1_i8;
        "`-2_i16`": -2_i16;
        "`1_i32`": 1_i32;
        "`-1_i64`": -1_i64;
        "`1_i128`": 1_i128;
        "`1_u8`": 1_u8;
        "`513_u16`": 513_u16;
        "`1_u32`": 1_u32;
        "`1_usize`, `1_u64`": 1_usize;
        "`1_u128`": 1_u128;
        "`1.0_f32`": 1.0_f32;
        "`f32::NAN`": -f32::NAN;
        "`1.0_f64`": 1.0_f64;
        "`-0.0_f64`": -0.0_f64;
        "`f64::NAN`, of any bits": f64::from_bits(0xfff0_0000_0000_0001);
        "`'ß'`": 'ß';
        "`\"\"`": "";
        "`\"straße\"`": "straße";
        "130 times `x`, a text": "x".repeat(130);
        "`b\"ab\"`, as bytes": Bytes(b"ab");
        "`None`": None::<u8>;
        "`Some(1_u8)`": Some(1_u8);
        "`Some(None)`": Some(None::<u8>);
        "`vec![1_u8, 2]`": vec![1_u8, 2];
        "`[]`, an empty `Vec`": Vec::<u8>::new();
        "`(1_u8, \"a\")`": (1_u8, "a");
        "`[1_u8, 2]`, an array": [1_u8, 2];
        "`{\"b\": 1_u8, \"a\": 2, \"ab\": 3}`, a map": HashMap::from([("b", 1_u8), ("a", 2), ("ab", 3)]);
        "`{}`, an empty map": HashMap::<u8, u8>::new();
        "`{2_u8, 1}`, a `HashSet`": HashSet::from([2_u8, 1]);
        "`struct Empty;`": Empty;
        "`Metres(1.0)`": Metres(1.0);
        "`Pair(1_u8, 2)`": Pair(1, 2);
        "`Params { rate: 0.1, hidden: 32_u32, seed: 7_u64 }`": Params { rate: 0.1, hidden: 32, seed: 7 };
        "`Long { text }` of 130 times `x`": Long { text: "x".repeat(130) };
        "`Shape::Point`": Shape::Point;
        "`Shape::Circle(1.0)`": Shape::Circle(1.0);
        "`Shape::Line(1_u8, 2)`": Shape::Line(1, 2);
        "`Shape::Box { width: 1_u8, a: 2_u8 }`": Shape::Box { width: 1, a: 2 };
        "`InputFile::named(.., \"a\")`, the file holds `abc`": InputFile::named(&file, "a");
        "`InputDir::named(.., \"d\")`, the folder holds just this file as `a.txt`":
            InputDir::named(folder.path(), "d");
    }
    vectors
}

#[test]
fn the_vectors_of_the_specification_hold() {
    let mut table = String::from("| value | encoding | digest |\n|---|---|---|\n");
    for (description, encoding, digest) in vectors() {
        assert_eq!(Digest::of(&encoding), digest, "{description}");
        let hex = encoding.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let _ = writeln!(table, "| {description} | `{hex}` | `{digest}` |");
    }
    let written = SPECIFICATION.split("<!-- vectors -->\n").nth(1).unwrap_or_default();
    assert!(written == table, "the table should be:\n{table}");
}
