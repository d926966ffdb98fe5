//! The words that decide how tokens are read.

/// The hash of a name, one byte after the other.
pub const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// The hash of no name.
pub const START: u32 = 0x811c_9dc5;

macro_rules! words {
    ($($name:ident $text:literal)*) => {
        /// A known word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Word {
            Other,
            $($name,)*
        }

        const WORDS: &[(Word, &str)] = &[(Word::Other, ""), $((Word::$name, $text),)*];
    };
}

words! {
    // Keywords, which never name an item. `Self` is none of them: an impl knows what it is.
    Underscore "_" As "as" Async "async" Await "await" Break "break" Const "const"
    Continue "continue" Crate "crate" Dyn "dyn" Else "else" Enum "enum" Extern "extern"
    False "false" Fn "fn" For "for" If "if" Impl "impl" In "in" Let "let" Loop "loop"
    Match "match" Mod "mod" Move "move" Mut "mut" Pub "pub" Ref "ref" Return "return"
    LowerSelf "self" Static "static" Struct "struct" Super "super" Trait "trait" True "true"
    Type "type" Unsafe "unsafe" Use "use" Where "where" While "while" Yield "yield"
    // Words that mean something in some places only.
    Auto "auto" Box "box" Default "default" Gen "gen" Macro "macro" MacroRules "macro_rules"
    Safe "safe" UpperSelf "Self" Union "union"
    // Attributes without effect.
    Allow "allow" Cold "cold" Deny "deny" Deprecated "deprecated" Doc "doc" Expect "expect"
    Forbid "forbid" Inline "inline" MustUse "must_use" Rustfmt "rustfmt"
    TrackCaller "track_caller" Warn "warn"
    // Attributes that are looked into.
    Aggregate "aggregate" Cfg "cfg" CfgAttr "cfg_attr" MacroExport "macro_export" Path "path"
    Stage "stage"
}

impl Word {
    /// Returns the word that a name is, given its hash.
    pub fn of(name: &[u8], hash: u32) -> Self {
        let mut slot = (hash & MASK) as usize;
        loop {
            let at = TABLE[slot] as usize;
            if at == 0 {
                return Self::Other;
            }
            if HASHES[at] == hash && WORDS[at].1.as_bytes() == name {
                return WORDS[at].0;
            }
            slot = (slot + 1) & MASK as usize;
        }
    }

    /// Whether it never names an item on its own.
    pub fn is_keyword(self) -> bool {
        let at = self as u8;
        at != 0 && at <= Self::Yield as u8
    }

    /// Whether parentheses behind it are a tuple or a group, not the arguments of a call.
    pub fn is_before_value(self) -> bool {
        matches!(
            self,
            Self::As
                | Self::Box
                | Self::Break
                | Self::Dyn
                | Self::Else
                | Self::For
                | Self::If
                | Self::In
                | Self::Let
                | Self::Match
                | Self::Move
                | Self::Mut
                | Self::Ref
                | Self::Return
                | Self::While
                | Self::Yield
        )
    }

    /// Whether an attribute of this name cannot change what a function returns.
    pub fn is_without_effect(self) -> bool {
        let at = self as u8;
        Self::Allow as u8 <= at && at <= Self::Warn as u8
    }
}

/// Returns the hash of a name.
pub const fn hash(name: &[u8]) -> u32 {
    let mut hash = START;
    let mut at = 0;
    while at < name.len() {
        hash = step(hash, name[at]);
        at += 1;
    }
    hash
}

const SIZE: usize = 512;
const MASK: u32 = 511;

static HASHES: [u32; WORDS.len()] = hashes();
/// Places in [`WORDS`] by hash; a place that is taken leads to the next one.
static TABLE: [u8; SIZE] = table();

const fn hashes() -> [u32; WORDS.len()] {
    let mut hashes = [0; WORDS.len()];
    let mut at = 0;
    while at < WORDS.len() {
        hashes[at] = hash(WORDS[at].1.as_bytes());
        at += 1;
    }
    hashes
}

const fn table() -> [u8; SIZE] {
    let hashes = hashes();
    let mut table = [0; SIZE];
    let mut at = 1;
    while at < WORDS.len() {
        let mut slot = (hashes[at] & MASK) as usize;
        while table[slot] != 0 {
            slot = (slot + 1) & MASK as usize;
        }
        #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 words")]
        let place = at as u8;
        table[slot] = place;
        at += 1;
    }
    table
}
