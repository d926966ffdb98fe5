//! A tree as text.

use std::fmt::{self, Formatter};

use super::tree::{ENTRY, Id, Node, Shape, Tree};

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes();
        let text = Text { nodes: &nodes };
        text.node(f, Self::ROOT)
    }
}

struct Text<'a> {
    nodes: &'a [Node],
}

impl Text<'_> {
    fn node(&self, f: &mut Formatter<'_>, id: Id) -> fmt::Result {
        let node = &self.nodes[id];
        if node.shape == Shape::Enum {
            f.write_str("enum ")?;
        }
        if !matches!(node.shape, Shape::Leaf(..)) {
            write_name(f, node.name)?;
        }
        self.content(f, id)?;
        if self.is_stubborn(node) { f.write_str("!") } else { Ok(()) }
    }

    /// Whether a type takes no value, though all its parts do.
    fn is_stubborn(&self, node: &Node) -> bool {
        let is_made = |(_, part): &(_, Id)| {
            let part = &self.nodes[*part];
            part.made.is_some() || part.shape == Shape::Alias
        };
        node.refused && node.made.is_none() && node.parts.iter().all(is_made)
    }

    /// Writes what follows the name.
    fn content(&self, f: &mut Formatter<'_>, id: Id) -> fmt::Result {
        let node = &self.nodes[id];
        match node.shape {
            Shape::Unknown => f.write_str("…"),
            Shape::Leaf(text, _) => f.write_str(text),
            Shape::Alias => Ok(()),
            Shape::Same(other) => self.reference(f, other),
            Shape::Unit if node.name.is_empty() => Ok(()),
            Shape::Unit => f.write_str("()"),
            Shape::Option => self.list(f, node, "", "?"),
            Shape::Newtype => self.list(f, node, "(", ")"),
            Shape::Sequence => self.list(f, node, "[", "]"),
            Shape::Tuple(length) => self.tuple(f, node, length),
            Shape::Map => self.map(f, node),
            Shape::Struct => self.fields(f, node),
            Shape::Enum => self.variants(f, node),
        }
    }

    fn list(&self, f: &mut Formatter<'_>, node: &Node, open: &str, close: &str) -> fmt::Result {
        f.write_str(open)?;
        node.parts.iter().try_for_each(|(_, part)| self.node(f, *part))?;
        f.write_str(close)
    }

    /// Writes a tuple; equal parts in a row are written once, with their number.
    fn tuple(&self, f: &mut Formatter<'_>, node: &Node, length: usize) -> fmt::Result {
        let texts: Vec<_> = node.parts.iter().map(|(_, part)| self.text(*part)).collect();
        let unseen = length - texts.len();
        f.write_str("(")?;
        let runs: Vec<_> = texts.chunk_by(|one, other| one == other).collect();
        for (index, run) in runs.iter().enumerate() {
            let last = index + 1 == runs.len();
            let count = run.len() + if last { unseen } else { 0 };
            let comma = if index > 0 { "," } else { "" };
            match count {
                1 => write!(f, "{comma}{}", run[0])?,
                2 => write!(f, "{comma}{0},{0}", run[0])?,
                _ => write!(f, "{comma}{}*{count}", run[0])?,
            }
        }
        f.write_str(")")
    }

    fn text(&self, id: Id) -> String {
        struct Part<'a>(&'a Text<'a>, Id);
        impl fmt::Display for Part<'_> {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                self.0.node(f, self.1)
            }
        }
        Part(&Text { nodes: self.nodes }, id).to_string()
    }

    fn map(&self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        f.write_str("{")?;
        let (entry, fields) = node.parts.split_at(ENTRY);
        for (name, part) in fields {
            write_name(f, name)?;
            f.write_str(":")?;
            self.node(f, *part)?;
            f.write_str(",")?;
        }
        if let [(_, key), (_, value)] = entry {
            self.node(f, *key)?;
            f.write_str(":")?;
            self.node(f, *value)?;
        }
        f.write_str("}")
    }

    fn fields(&self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        f.write_str("{")?;
        let is_field = |part: &&(_, Id)| self.nodes[part.1].shape != Shape::Alias;
        for (index, (name, part)) in node.parts.iter().filter(is_field).enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            write_name(f, name)?;
            f.write_str(":")?;
            self.node(f, *part)?;
        }
        f.write_str("}")
    }

    fn variants(&self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, part)) in node.parts.iter().enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            write_name(f, name)?;
            self.node(f, *part)?;
        }
        f.write_str("}")
    }

    /// Writes the name of a type that is written out elsewhere; where several have it, also which.
    fn reference(&self, f: &mut Formatter<'_>, target: Id) -> fmt::Result {
        let name = self.nodes[target].name;
        let mut namesakes = Vec::new();
        self.collect_namesakes(Tree::ROOT, name, &mut namesakes);
        f.write_str("^")?;
        write_name(f, name)?;
        match namesakes.iter().position(|namesake| *namesake == target) {
            Some(_) if namesakes.len() == 1 && !name.is_empty() => Ok(()),
            Some(position) => write!(f, "#{}", position + 1),
            None => Ok(()),
        }
    }

    /// Collects the nodes of one name in the order of the text.
    fn collect_namesakes(&self, id: Id, name: &str, namesakes: &mut Vec<Id>) {
        let node = &self.nodes[id];
        if node.name == name && !node.parts.is_empty() {
            namesakes.push(id);
        }
        for (_, part) in &node.parts {
            self.collect_namesakes(*part, name, namesakes);
        }
    }
}

/// Writes a name; one that is no identifier is quoted, so that no two texts are alike.
fn write_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    if name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        f.write_str(name)
    } else {
        write!(f, "{name:?}")
    }
}
