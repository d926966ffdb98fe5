//! Attributes: what they name, also inside of strings, and the `cfg` values they ask for.

use proc_macro2::{TokenStream, TokenTree};

use super::{Names, Path, ident, is, is_name};

impl Names {
    /// Reads the attribute whose `#` stands at `at`, and returns the number of tokens read.
    pub(super) fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let open = at + 1 + usize::from(is(tokens, at + 1, '!'));
        let Some(TokenTree::Group(group)) = tokens.get(open) else { return 1 };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        match (ident(&inner, 0).as_deref(), inner.get(1)) {
            (Some("doc"), _) => {}
            (Some("cfg"), Some(TokenTree::Group(group))) => self.cfg(group.stream()),
            (Some("cfg_attr"), Some(TokenTree::Group(group))) => self.cfg_attr(group.stream()),
            _ => self.attribute_names(group.stream()),
        }
        open + 1 - at
    }

    /// The condition up to the first comma, and attributes behind it.
    fn cfg_attr(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let comma = (0..tokens.len()).find(|at| is(&tokens, *at, ',')).unwrap_or(tokens.len());
        self.cfg(tokens[..comma].iter().cloned().collect());
        self.attribute_names(tokens[comma..].iter().cloned().collect());
    }

    /// The names in a condition: `all(unix, feature = "fast")` has two.
    pub(super) fn cfg(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.cfg(group.stream()),
                TokenTree::Ident(name) if is(&tokens, at + 1, '=') => {
                    let value = tokens.get(at + 2).map(ToString::to_string).unwrap_or_default();
                    self.cfgs.insert(format!("{name}={value}"));
                }
                TokenTree::Ident(name)
                    if !matches!(tokens.get(at + 1), Some(TokenTree::Group(_))) =>
                {
                    self.cfgs.insert(name.to_string());
                }
                _ => {}
            }
        }
    }

    /// Paths as tokens (`derive(Serialize)`) and as strings (`serde(with = "codec")`).
    fn attribute_names(&mut self, tokens: TokenStream) {
        let mut inner = Self::default();
        inner.stream(tokens.clone());
        self.hints.extend(inner.paths);
        self.hints.extend(inner.hints);
        self.strings(tokens);
    }

    fn strings(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.strings(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    let Some(path) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'))
                    else {
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
                _ => {}
            }
        }
    }
}
