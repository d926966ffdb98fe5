//! The table: what a case is, the workspace of all cases, and the order of builds and runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::support::{HIT, Run, Verdicts, Workspace};

/// The file of the case itself.
const OWN: &str = "";
/// The prefix of an edit that is made to an environment variable.
const VARIABLE: &str = "variable ";

/// A stage, an edit, and what the next run says.
pub(crate) struct Case {
    /// The module that the stage `fit` stands in.
    pub(crate) name: &'static str,
    code: &'static str,
    files: Vec<(&'static str, &'static str)>,
    edits: Vec<(&'static str, &'static str, &'static str)>,
    /// `{m}` stands for the name.
    expected: &'static str,
    /// What the plan says, where it cannot know yet.
    planned: Option<&'static str>,
}

impl Case {
    /// A case whose module holds this code. `#[stage]` becomes one with an output and a cacher.
    pub(crate) fn new(name: &'static str, code: &'static str) -> Self {
        Self { name, code, files: Vec::new(), edits: Vec::new(), expected: "", planned: None }
    }

    /// Adds a file; `./` is the folder of the case's own modules.
    pub(crate) fn file(mut self, path: &'static str, content: &'static str) -> Self {
        self.files.push((path, content));
        self
    }

    /// Edits the case's own file.
    pub(crate) fn edit(self, old: &'static str, new: &'static str) -> Self {
        self.edit_in(OWN, old, new)
    }

    /// Edits another file.
    pub(crate) fn edit_in(
        mut self,
        path: &'static str,
        old: &'static str,
        new: &'static str,
    ) -> Self {
        self.edits.push((path, old, new));
        self
    }

    /// Changes an environment variable of the run.
    pub(crate) fn variable(self, assigned: &'static str, new: &'static str) -> Self {
        let (name, old) = assigned.split_once('=').unwrap();
        let mut case = self;
        case.edits.push((Box::leak(format!("{VARIABLE}{name}").into_boxed_str()), old, new));
        case
    }

    pub(crate) fn hit(mut self) -> Self {
        self.expected = HIT;
        self
    }

    /// Before anything has run, the plan says this instead.
    pub(crate) fn planned(mut self, words: &'static str) -> Self {
        self.planned = Some(words);
        self
    }

    pub(crate) fn miss(mut self, reason: &'static str) -> Self {
        self.expected = reason;
        self
    }

    pub(crate) fn expected(&self) -> String {
        self.expected.replace("{m}", self.name)
    }

    fn expected_plan(&self) -> String {
        self.planned.map_or_else(|| self.expected(), str::to_owned)
    }

    fn place(&self, path: &str) -> String {
        match path.strip_prefix("./") {
            _ if path == OWN => format!("app/src/{}.rs", self.name),
            Some(rest) => format!("app/src/{}/{rest}", self.name),
            None => path.to_owned(),
        }
    }

    /// Writes out `#[stage]` and `#[stage(`: an output of the case's name, and a cacher.
    fn full(&self, text: &str) -> String {
        let options = format!("#[stage(outputs = [{}], cachers = [Json]", self.name);
        let with_more = text.replace("#[stage(", &format!("{options}, "));
        with_more.replace("#[stage]", &format!("{options})]"))
    }
}

/// Files by their path in the workspace; nothing where there was none.
type Before = BTreeMap<String, Option<String>>;

/// All cases in one workspace.
pub(crate) struct Table {
    pub(crate) cases: Vec<Case>,
}

impl Table {
    pub(crate) fn new(cases: Vec<Case>) -> Self {
        let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), cases.len(), "two cases have one name");
        Self { cases }
    }

    /// A, B, B, A, B: the first of each executes, as far as B is a miss.
    pub(crate) fn check(&self) {
        let ws = self.workspace("table");
        let store = ws.path("store");
        let run = |mode, record, jobs, is_edited| Run {
            mode,
            record,
            jobs,
            store: store.clone(),
            variables: self.variables(is_edited),
        };
        let first =
            ws.build_and_run(&[], &[run("run", "one", "1", false), run("run", "one", "2", false)]);
        self.expect(&first[0], "the first run", |_| "never ran".to_owned());
        self.expect(&first[1], "the second run", |_| HIT.to_owned());

        let before = self.edit(&ws);
        let runs = [
            run("plan", "two", "1", true),
            run("run", "two", "2", true),
            run("run", "two", "1", true),
        ];
        let edited = ws.build_and_run(&[], &runs);
        self.expect(&edited[0], "the plan after the edits", Case::expected_plan);
        self.expect(&edited[1], "the run after the edits", Case::expected);
        self.expect(&edited[2], "the run after that", |_| HIT.to_owned());

        Self::take_back(&ws, before);
        let back = ws.build_and_run(&[], &[run("run", "one", "1", false)]);
        self.expect(&back[0], "the run of what was there first", |_| HIT.to_owned());

        self.edit(&ws);
        let again = ws.build_and_run(&[], &[run("run", "one", "1", true)]);
        self.expect(&again[0], "the run after the same edits", |_| HIT.to_owned());
    }

    /// Compares what all stages did, and tells all that differ.
    pub(crate) fn expect(&self, seen: &Verdicts, when: &str, expected: impl Fn(&Case) -> String) {
        let mut wrong = Vec::new();
        for case in &self.cases {
            let expected = expected(case);
            let seen = seen.get(&format!("{}::fit", case.name)).map_or("nothing", String::as_str);
            if seen != expected {
                let edits: Vec<_> = case.edits.iter().map(|edit| format!("{edit:?}")).collect();
                let (name, edits) = (case.name, edits.join("\n      "));
                wrong.push(format!(
                    "{name}\n      {edits}\n    expected: {expected}\n    seen:     {seen}"
                ));
            }
        }
        assert!(wrong.is_empty(), "{when}: {} wrong\n  {}", wrong.len(), wrong.join("\n  "));
    }

    /// Writes the workspace of all cases as they are before their edits.
    pub(crate) fn workspace(&self, name: &str) -> Workspace {
        let ws = Workspace::new(name);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        // The versions that are downloaded already.
        ws.write("Cargo.lock", &std::fs::read_to_string(root.join("Cargo.lock")).unwrap());
        let memo = root.join("memo-runtime").to_string_lossy().replace('\\', "/");
        for (path, content) in crate::cases::FRAME {
            ws.write(path, &content.replace("{memo}", &memo));
        }
        let mut modules = String::new();
        let mut calls = String::new();
        for case in &self.cases {
            let name = case.name;
            writeln!(modules, "pub mod {name};").unwrap();
            let call = if case.code.contains("fn call(") { "call" } else { "fit" };
            writeln!(calls, "    {name}::{call}(record)?;").unwrap();
            let header = "use memo_runtime::prelude::*;\n";
            ws.write(&case.place(OWN), &case.full(&format!("{header}{}\n", case.code)));
            for (path, content) in &case.files {
                ws.write(&case.place(path), content);
            }
        }
        let lib = ws.read("app/src/lib.rs");
        let pipeline = format!(
            "pub fn pipeline(record: &mut Record<Params>) -> Result<()> {{\n{calls}    Ok(())\n}}\n"
        );
        ws.write("app/src/lib.rs", &format!("{lib}{modules}{pipeline}"));
        ws
    }

    /// Makes the edits of all cases, and returns what the files held before.
    pub(crate) fn edit(&self, ws: &Workspace) -> Before {
        let mut before = Before::new();
        for case in &self.cases {
            for (path, old, new) in &case.edits {
                if path.starts_with(VARIABLE) {
                    continue;
                }
                let path = case.place(path);
                let (old, new) = (case.full(old), case.full(new));
                let text = ws.path(&path).exists().then(|| ws.read(&path));
                before.entry(path.clone()).or_insert_with(|| text.clone());
                let text = text.unwrap_or_default();
                let found = if text.is_empty() { 1 } else { text.matches(&old).count() };
                assert_eq!(found, 1, "{}: how often `{old}` is in {path}", case.name);
                ws.write(&path, &if text.is_empty() { new } else { text.replace(&old, &new) });
            }
        }
        before
    }

    /// Takes all edits back.
    fn take_back(ws: &Workspace, before: Before) {
        for (path, text) in before {
            match text {
                Some(text) => ws.write(&path, &text),
                None => std::fs::remove_file(ws.path(&path)).unwrap(),
            }
        }
    }

    pub(crate) fn variables(&self, is_edited: bool) -> Vec<(String, String)> {
        let edits = self.cases.iter().flat_map(|case| &case.edits);
        let value = |(path, old, new): &(&str, &str, &str)| {
            let name = path.strip_prefix(VARIABLE)?;
            Some((name.to_owned(), if is_edited { *new } else { *old }.to_owned()))
        };
        edits.filter_map(value).collect()
    }
}
