//! Layouts of all kinds of types.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::Layout;
use crate::digest::Digest;

fn text<T: DeserializeOwned + 'static>() -> String {
    Layout::of::<T>().to_string()
}

#[derive(Deserialize)]
#[expect(dead_code)]
struct Point {
    x: f32,
    y: f32,
}

#[derive(Deserialize)]
#[expect(dead_code)]
struct Pair(u8, Point);

#[derive(Deserialize)]
struct Wrapper<T>(T);

#[derive(Deserialize)]
struct Nothing;

#[derive(Deserialize)]
#[expect(dead_code)]
enum Kind {
    Plain,
    Sized(u64),
    At(Point, u8),
    Named { first: bool, second: Option<Kind2> },
}

#[derive(Deserialize)]
enum Kind2 {
    A,
    B,
}

#[test]
fn primitive_types_are_told_by_kind_and_width() {
    assert_eq!(text::<u8>(), "u8");
    assert_eq!(text::<i128>(), "i128");
    assert_eq!(text::<f32>(), "f32");
    assert_eq!(text::<bool>(), "bool");
    assert_eq!(text::<char>(), "char");
    assert_eq!(text::<()>(), "()");
    assert_eq!(text::<String>(), "string");
    assert_eq!(text::<Box<str>>(), "string");
    assert_eq!(text::<PathBuf>(), "string");
    assert_eq!(text::<NonZeroU32>(), "u32");
}

#[test]
fn containers_are_told_by_what_they_hold() {
    assert_eq!(text::<Vec<f64>>(), "[f64]");
    assert_eq!(text::<Vec<Vec<u8>>>(), "[[u8]]");
    assert_eq!(text::<HashSet<char>>(), "[char]");
    assert_eq!(text::<Option<Option<u8>>>(), "u8??");
    assert_eq!(text::<HashMap<String, Vec<u8>>>(), "{string:[u8]}");
    assert_eq!(text::<BTreeMap<(u8, bool), i8>>(), "{(u8,bool):i8}");
    assert_eq!(text::<(u8, String, Point)>(), "(u8,string,Point{x:f32,y:f32})");
    assert_eq!(text::<[f32; 3]>(), "(f32*3)");
    assert_eq!(text::<(u8, u8, bool, bool, bool)>(), "(u8,u8,bool*3)");
    assert_eq!(text::<[[u8; 2]; 32]>(), "((u8,u8)*32)");
    assert_eq!(text::<[u8; 0]>(), "()");
    assert_eq!(text::<std::sync::Mutex<Box<u8>>>(), "u8");
    assert_eq!(text::<PhantomData<u8>>(), "PhantomData()");
}

#[test]
fn structs_and_enums_are_told_by_their_names_in_declared_order() {
    assert_eq!(text::<Point>(), "Point{x:f32,y:f32}");
    assert_eq!(text::<Pair>(), "Pair(u8,Point{x:f32,y:f32})");
    assert_eq!(text::<Wrapper<i8>>(), "Wrapper(i8)");
    assert_eq!(text::<Nothing>(), "Nothing()");
    assert_eq!(
        text::<Kind>(),
        "enum Kind{Plain,Sized(u64),At(Point{x:f32,y:f32},u8),Named{first:bool,second:enum Kind2{A,B}?}}"
    );
    assert_eq!(text::<Result<u8, String>>(), "enum Result{Ok(u8),Err(string)}");
    assert_eq!(text::<Duration>(), "Duration{secs:u64,nanos:u32}");
    assert_eq!(text::<SystemTime>(), "SystemTime{secs_since_epoch:u64,nanos_since_epoch:u32}");
    assert_eq!(text::<std::ops::Range<u8>>(), "Range{start:u8,end:u8}");
}

#[test]
fn a_type_met_again_is_referred_to_and_instances_are_told_apart() {
    assert_eq!(text::<(Point, Point)>(), "(Point{x:f32,y:f32},^Point)");
    assert_eq!(text::<(Wrapper<u8>, Wrapper<i8>)>(), "(Wrapper(u8),Wrapper(i8))");
    assert_eq!(text::<Wrapper<Wrapper<u8>>>(), "Wrapper(Wrapper(u8))");
    assert_eq!(
        text::<(Wrapper<u8>, Wrapper<i8>, Wrapper<u8>, Wrapper<i8>)>(),
        "(Wrapper(u8),Wrapper(i8),^Wrapper#1,^Wrapper#2)"
    );
}

#[test]
fn recursive_types_end() {
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct List {
        next: Option<Box<List>>,
        value: u32,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    enum Term {
        Sum(Box<Term>, Box<Term>),
        Call { name: String, arguments: Vec<Term> },
        Number(f64),
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Statement {
        condition: Expression,
        then: Vec<Statement>,
        weight: f32,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    enum Expression {
        Block(Box<Statement>, u8),
        Literal(i64),
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Bush(Vec<Bush>);
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Endless {
        next: Box<Endless>,
        value: u8,
    }

    assert_eq!(text::<List>(), "List{next:^List?,value:u32}");
    assert_eq!(
        text::<Term>(),
        "enum Term{Sum(^Term,^Term),Call{name:string,arguments:[^Term]},Number(f64)}"
    );
    assert_eq!(
        text::<Statement>(),
        "Statement{condition:enum Expression{Block(^Statement,u8),Literal(i64)},then:[^Statement],weight:f32}"
    );
    assert_eq!(text::<Bush>(), "Bush([^Bush])");
    assert_eq!(text::<Endless>(), "Endless{next:^Endless,value:u8}");
}

/// A sequence of itself, without any name.
struct Anonymous;

impl<'de> Deserialize<'de> for Anonymous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Self>::deserialize(deserializer).map(|_| Self)
    }
}

/// Accepts nothing.
struct Stubborn;

impl<'de> Deserialize<'de> for Stubborn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        Err(D::Error::custom("no"))
    }
}

/// Panics where a value is not even, as types do that trust those who keep them.
struct Trusting;

impl<'de> Deserialize<'de> for Trusting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        assert_eq!(u64::deserialize(deserializer)? % 2, 0, "it is even");
        Ok(Self)
    }
}

#[test]
fn a_type_that_panics_refuses_a_value() {
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Pair {
        trusting: Trusting,
        text: String,
    }
    #[derive(Deserialize)]
    #[serde(from = "u64")]
    struct Never;
    impl From<u64> for Never {
        fn from(_: u64) -> Self {
            panic!("never")
        }
    }
    assert_eq!(text::<Trusting>(), "u64");
    assert_eq!(text::<Vec<Pair>>(), "[Pair{trusting:u64,text:string}]");
    assert_eq!(text::<(Never, u8)>(), "(u64!,…)");
}

/// Never asks.
#[derive(Default)]
struct Silent;

impl<'de> Deserialize<'de> for Silent {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[test]
fn types_with_a_mind_of_their_own_are_traced_as_far_as_they_go() {
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Mixed {
        stubborn: Stubborn,
        number: u16,
        many: Vec<Stubborn>,
        maybe: Option<Stubborn>,
        digest: Digest,
        address: Ipv4Addr,
        kind: StubbornKind,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    enum StubbornKind {
        Stubborn(Stubborn, u8),
        Fine(u8),
    }
    #[derive(Deserialize)]
    #[serde(try_from = "u8")]
    #[expect(dead_code)]
    struct Even(u8);
    impl TryFrom<u8> for Even {
        type Error = &'static str;
        fn try_from(value: u8) -> Result<Self, Self::Error> {
            if value.is_multiple_of(2) { Ok(Self(value)) } else { Err("odd") }
        }
    }
    #[derive(Deserialize)]
    #[serde(try_from = "Point")]
    struct Never;
    impl TryFrom<Point> for Never {
        type Error = &'static str;
        fn try_from(_: Point) -> Result<Self, Self::Error> {
            Err("never")
        }
    }

    assert_eq!(text::<Anonymous>(), "[^#1]");
    assert_eq!(text::<Silent>(), "nothing");
    assert_eq!(text::<(Silent, u8)>(), "(nothing,u8)");
    assert_eq!(text::<Stubborn>(), "string!");
    assert_eq!(text::<(u8, Stubborn, f32)>(), "(u8,string!,…)");
    assert_eq!(text::<(Even, f32)>(), "(u8,f32)");
    assert_eq!(text::<(Digest, f32)>(), "(string,f32)");
    assert_eq!(text::<Vec<Never>>(), "[Point{x:f32,y:f32}!]");
    assert_eq!(text::<HashMap<Stubborn2, f32>>(), "{string!:…}");
    assert_eq!(text::<IpAddr>(), "enum IpAddr{V4((u8*4)),V6((u8*16))}");
    assert_eq!(
        text::<Mixed>(),
        "Mixed{stubborn:string!,number:u16,many:[string!],maybe:string!?,digest:string,address:(u8*4),\
         kind:enum StubbornKind{Stubborn(string!,…),Fine(u8)}}"
    );
}

/// [`Stubborn`], as a key.
#[derive(PartialEq, Eq, Hash)]
struct Stubborn2;

impl<'de> Deserialize<'de> for Stubborn2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Stubborn::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn what_describes_itself_is_any() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code)]
    enum Untagged {
        Number(f64),
        Text(String),
    }
    #[derive(Deserialize)]
    #[serde(tag = "kind")]
    #[expect(dead_code)]
    enum Tagged {
        A { x: u8 },
        B,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Outer {
        id: u8,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Inner {
        name: String,
    }
    assert_eq!(text::<serde_json::Value>(), "any");
    assert_eq!(text::<Untagged>(), "any");
    assert_eq!(text::<Tagged>(), "any!");
    assert_eq!(text::<serde::de::IgnoredAny>(), "any");
    assert_eq!(text::<Outer>(), "{id:u8,name:any,identifier:any}!");
}

#[test]
fn attributes_show_where_they_change_what_is_asked_for() {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    #[expect(dead_code)]
    struct Renamed {
        two_words: u8,
        #[serde(rename = "a:u8,b")]
        odd: u8,
        #[serde(skip)]
        skipped: Option<u8>,
        #[serde(default)]
        absent: u8,
    }
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Aliased {
        #[serde(alias = "younger", alias = "z")]
        name: u8,
        other: f64,
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    #[expect(dead_code)]
    struct Transparent {
        inner: Point,
    }
    assert_eq!(text::<Renamed>(), r#"Renamed{"two-words":u8,"a:u8,b":u8,absent:u8}"#);
    assert_eq!(text::<Transparent>(), text::<Point>());
    assert_eq!(text::<Aliased>(), "Aliased{name:u8,other:f64}");
    let rows = Layout::of::<Vec<Aliased>>();
    assert_eq!(rows.columns(), Some(vec!["name", "other"]));
    #[cfg(feature = "csv")]
    {
        assert!(rows.has_columns(["z", "other"].into_iter()));
        assert!(!rows.has_columns(["unknown", "other"].into_iter()));
    }
}

#[test]
fn every_difference_makes_another_digest() {
    mod other {
        #[derive(serde::Deserialize)]
        #[expect(dead_code)]
        pub(super) struct Point {
            pub(super) x: f32,
            pub(super) y: f32,
        }
        pub(super) mod reordered {
            #[derive(serde::Deserialize)]
            #[expect(dead_code)]
            pub(in super::super) struct Point {
                pub(in super::super) y: f32,
                pub(in super::super) x: f32,
            }
        }
        pub(super) mod retyped {
            #[derive(serde::Deserialize)]
            #[expect(dead_code)]
            pub(in super::super) struct Point {
                pub(in super::super) x: u32,
                pub(in super::super) y: f32,
            }
        }
    }
    let point = Layout::of::<Point>();
    assert_eq!(point, Layout::of::<other::Point>(), "the path of a module is no part of it");
    assert_ne!(point, Layout::of::<other::reordered::Point>());
    assert_ne!(point, Layout::of::<other::retyped::Point>());
    assert_ne!(point, Layout::of::<Wrapper<Point>>());
    assert_ne!(Layout::of::<u32>(), Layout::of::<f32>());
    assert_eq!(point.digest(), Digest::of(b"Point{x:f32,y:f32}"), "the same in every process");
}

#[test]
fn huge_types_are_cut_off_rather_than_traced_for_ever() {
    type Wider<T> = Wide<Wide<Wide<Wide<T>>>>;
    type D2<T> = Option<Option<T>>;
    type D16<T> = D2<D2<D2<D2<D2<D2<D2<D2<T>>>>>>>>;
    type Deep = D16<D16<D16<D16<D16<D16<D16<u8>>>>>>>;

    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Wide<T> {
        a: Vec<T>,
        b: Box<Option<T>>,
        c: Box<T>,
        d: Box<T>,
    }
    struct Long;
    impl<'de> Deserialize<'de> for Long {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Many;
            impl<'de> serde::de::Visitor<'de> for Many {
                type Value = Long;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("many")
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut access: A,
                ) -> Result<Long, A::Error> {
                    while access.next_element::<u8>()?.is_some() {}
                    Ok(Long)
                }
            }
            deserializer.deserialize_tuple(1_000_000, Many)
        }
    }
    assert_eq!(text::<Wider<Wider<u8>>>().matches('{').count(), 8, "each is written once");
    assert!(text::<Long>().starts_with("(u8*1000000)"));

    assert!(text::<Deep>().contains('…'));
}

#[test]
fn columns_are_those_of_a_sequence_of_structs() {
    assert_eq!(Layout::of::<Vec<Point>>().columns(), Some(vec!["x", "y"]));
    assert_eq!(Layout::of::<Vec<Wrapper<Point>>>().columns(), Some(vec!["x", "y"]));
    assert_eq!(Layout::of::<Vec<(u8, u8)>>().columns(), None);
    assert_eq!(Layout::of::<Point>().columns(), None);
}

#[test]
fn many_threads_find_one_layout() {
    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Shared(Point, Vec<Kind>);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(Layout::of::<Shared>)).collect();
        for thread in threads {
            assert_eq!(thread.join().ok(), Some(Layout::of::<Shared>()));
        }
    });
}
