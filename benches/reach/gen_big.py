"""Writes a crate of about 20,000 lines with 100 stages, to see what the macro costs.
usage: gen_big.py FOLDER_OF_THIS_REPOSITORY OUT LEVEL, where LEVEL is a value of `code`"""
import os, sys
here, out, level = sys.argv[1:4]
os.makedirs(f"{out}/src", exist_ok=True)
open(f"{out}/Cargo.toml", "w").write(f'''[package]
name = "big"
version = "0.1.0"
edition = "2024"

[workspace]

[dependencies]
memo-runtime = {{ path = "{here}/memo-runtime" }}
''')
N, F = 100, 18
mods = []
for m in range(N):
    s = ["use super::*;", "use memo_runtime::prelude::*;", f"const K{m}: f64 = {m}.5;", "",
         f"#[derive(Debug, Clone)]\npub struct S{m} {{\n    pub x: f64,\n    pub v: Vec<f64>,\n}}\n",
         f"impl S{m} {{"]
    for f in range(4):
        s.append(f"    /// Doc of the method.\n    pub fn m{f}(&self, y: f64) -> f64 {{\n        self.v.iter().map(|a| a * y + self.x).sum::<f64>() + {f}.0\n    }}\n")
    s.append("}\n")
    for f in range(F):
        callee = f"m{(m * 7 + f) % N:03}::f{(f + 1) % F}" if f < F - 1 else f"K{m} + "
        tail = f"{callee}(t)" if f < F - 1 else f"K{m} + t"
        s.append(f"""/// Function {f} of module {m}.
pub fn f{f}(a: f64) -> f64 {{
    let mut t = a * {f}.0;
    for i in 0..3 {{
        t += match i {{
            0 => K{m},
            1 => a.sqrt(),
            _ => (a + t).ln().abs(),
        }};
    }}
    {tail}
}}
""")
    s.append(f"""#[stage(outputs = [y], cachers = [Json], code = {level})]
pub fn stage{m}(a: f64) -> f64 {{
    let s = S{m} {{ x: a, v: vec![a; 4] }};
    f0(a) + s.m1(2.0) + f5(a)
}}
""")
    text = "\n".join(s)
    open(f"{out}/src/m{m:03}.rs", "w").write(text)
    mods.append(text.count("\n"))
main = "".join(f"pub mod m{m:03};\n" for m in range(N))
main += "fn main() {}\n"
open(f"{out}/src/main.rs", "w").write("#![allow(dead_code, unused_imports)]\n" + main)
print(sum(mods) + main.count("\n"), "lines")
