//! Attributes: what they name, also inside of strings, and the `cfg` values they ask for.

use super::{Names, Path, is_name};
use crate::tokens::{Kind, Tokens, Word};

impl Names {
    /// Reads the attribute whose `#` stands at `at`, and returns the number of tokens read.
    pub(super) fn attribute(&mut self, tokens: Tokens, at: usize) -> usize {
        let open = at + 1 + usize::from(tokens.is(at + 1, b'!'));
        if self.is_attribute || !tokens.opens(open, b'[') {
            return 1;
        }
        let inner = tokens.inside(open);
        match inner.word(0) {
            Word::Doc => {}
            Word::Cfg if inner.opens_any(1) => self.cfg(inner.inside(1)),
            Word::CfgAttr if inner.opens_any(1) => self.cfg_attr(inner.inside(1)),
            _ => self.attribute_names(inner),
        }
        tokens.close(open) + 1 - at
    }

    /// The condition up to the first comma, and attributes behind it.
    fn cfg_attr(&mut self, tokens: Tokens) {
        let mut comma = 0;
        while comma < tokens.len() && !tokens.is(comma, b',') {
            comma = tokens.behind(comma);
        }
        self.cfg(tokens.part(0..comma));
        self.attribute_names(tokens.part(comma..tokens.len()));
    }

    /// The names in a condition: `all(unix, feature = "fast")` has two.
    pub fn cfg(&mut self, tokens: Tokens) {
        for at in 0..tokens.len() {
            let Some(name) = tokens.name(at) else { continue };
            if tokens.is(at + 1, b'=') {
                let value = if at + 2 < tokens.len() { tokens.text(at + 2) } else { "" };
                self.cfgs.insert(format!("{name}={value}"));
            } else if !tokens.opens_any(at + 1) {
                self.cfgs.insert(name.to_owned());
            }
        }
    }

    /// Paths as tokens (`derive(Serialize)`) and as strings (`serde(with = "codec")`).
    fn attribute_names(&mut self, tokens: Tokens) {
        let mut inner = Self { is_attribute: true, ..Self::default() };
        inner.walk(tokens);
        self.hints.extend(inner.paths);
        self.hints.extend(inner.hints);
        self.strings(tokens);
    }

    fn strings(&mut self, tokens: Tokens) {
        for at in 0..tokens.len() {
            if tokens.all[at].kind != Kind::Literal {
                continue;
            }
            let text = tokens.text(at);
            let Some(path) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
                continue;
            };
            let path: Path = path.split("::").map(str::to_owned).collect();
            if path.iter().all(|segment| is_name(segment)) {
                // serde's `with` names a module and means two functions of it.
                for function in ["serialize", "deserialize"] {
                    self.hints.insert([path.as_slice(), &[function.to_owned()]].concat());
                }
                self.hints.insert(path);
            }
        }
    }
}
