//! How long parsing and following take; `benches/reach/measure.sh` tells what rustc makes of it.

use std::path::PathBuf;
use std::time::Instant;

use crate::reach::crate_root::Cfgs;
use crate::reach::link::Linked;
use crate::reach::tree::World;
use crate::reach::{Request, follow};

/// `MEMO_BIG` is a folder that `benches/reach/gen_big.py` has written.
#[test]
#[ignore = "needs a generated crate"]
fn cost_of_a_big_crate() {
    let folder = PathBuf::from(std::env::var_os("MEMO_BIG").unwrap());
    let files = std::fs::read_dir(folder.join("src")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.collect();
    let start = Instant::now();
    let tokens = texts.iter().map(|text| text.parse::<proc_macro2::TokenStream>().unwrap());
    println!("the lexer alone: {} files in {:?}", tokens.count(), start.elapsed());
    let start = Instant::now();
    let parsed = texts.iter().map(|text| syn::parse_file(text).unwrap());
    println!("syn alone: {} files in {:?}", parsed.count(), start.elapsed());
    let start = Instant::now();
    let world = World::load(&folder.join("src/main.rs"), &folder);
    println!("parsed {} items in {:?}", world.items.len(), start.elapsed());
    let start = Instant::now();
    let linked = Linked::new(world, Cfgs::default());
    println!("linked in {:?}", start.elapsed());
    let start = Instant::now();
    let sum: u128 = linked.world.items.iter().map(|item| item.digest() & 1).sum();
    println!("digested and scanned all in {:?} {sum}", start.elapsed());
    let start = Instant::now();
    let mut reached = 0;
    for stage in 0..100 {
        let name = format!("stage{stage}");
        let item = linked.world.items.iter().find(|item| item.name == name);
        let item = item.unwrap();
        let code = "fn stage(a: f64) -> f64 { let s = SX { x: a, v: vec![a; 4] }; f0(a) + s.m1(2.0) + f5(a) }";
        let code = code.replace("SX", &format!("S{stage}")).parse().unwrap();
        let request = Request { name: item.name.clone(), code, ..Request::default() };
        let file = linked.world.modules[item.module].file.clone();
        reached += follow(&linked, &file, item.lines().0, &request).unwrap().items.len();
    }
    println!("followed 100 stages, {reached} items in all, in {:?}", start.elapsed());
}
