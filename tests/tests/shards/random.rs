//! Random arrays over arrays against a sequential model: which bodies run, and what comes of them, with one
//! job and with eight, on stores that earlier runs have filled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use memo_runtime::Experiment;
use memo_runtime::prelude::*;
use memo_tests::Lab;

/// What the bodies share with the test. It enters no key.
#[derive(Clone, Default)]
struct World {
    ran: Arc<Mutex<Vec<Body>>>,
    fails: Option<(usize, u64)>,
}

/// A run of a body: the layer, and the values of its elements.
type Body = (usize, Vec<u64>);

impl World {
    fn run(&self, layer: usize, values: &[u64]) -> Result<u64> {
        self.ran.lock().unwrap().push((layer, values.to_vec()));
        match self.fails {
            Some((fails, value)) if fails == layer && values[0] == value => Err("fails".into()),
            _ => Ok(made(layer, values)),
        }
    }
}

/// Every third layer gives few values, so that shards come out alike.
fn made(layer: usize, values: &[u64]) -> u64 {
    let sum = values.iter().fold(7 * layer as u64, |sum, value| sum * 3 + value);
    if layer % 3 == 2 { sum % 4 } else { sum % 1000 }
}

#[stage(each = [x in xs], outputs = [out], cachers = [Json], skip = [world], code = manual)]
fn kept_1(x: &u64, layer: usize, world: World) -> Result<u64> {
    world.run(layer, &[*x])
}

#[stage(each = [x in xs], outputs = [out], skip = [world], code = manual)]
fn memory_1(x: &u64, layer: usize, world: World) -> Result<u64> {
    world.run(layer, &[*x])
}

#[stage(each = [x in xs, y in ys], outputs = [out], cachers = [Json], skip = [world], code = manual)]
fn kept_2(x: &u64, y: &u64, layer: usize, world: World) -> Result<u64> {
    world.run(layer, &[*x, *y])
}

#[stage(each = [x in xs, y in ys], outputs = [out], skip = [world], code = manual)]
fn memory_2(x: &u64, y: &u64, layer: usize, world: World) -> Result<u64> {
    world.run(layer, &[*x, *y])
}

#[stage(inputs = [xs as all], outputs = [total], cachers = [Json], skip = [world], code = manual)]
fn total(all: &Shards<u64>, world: World) -> Result<u64> {
    world.run(TOTAL, &all.collect()?)
}

#[stage(outputs = [base], cachers = [Json], code = manual)]
fn base_kept(values: Vec<u64>) -> Vec<u64> {
    values
}

#[stage(outputs = [base], code = manual)]
fn base_memory(values: Vec<u64>) -> Vec<u64> {
    values
}

const TOTAL: usize = 100;

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[derive(Clone, Debug)]
struct Layer {
    kept: bool,
    /// Earlier layers; 0 is the array at the beginning.
    sources: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Pipeline {
    base: usize,
    layers: Vec<Layer>,
    /// What is added up.
    last: usize,
}

impl Pipeline {
    fn random(random: &mut Random) -> Self {
        let count = 1 + random.below(5);
        let only_kept = random.below(3) == 0;
        let layer = |id: usize, random: &mut Random| Layer {
            kept: only_kept || random.below(3) > 0,
            sources: (0..=random.below(2)).map(|_| id - random.below(id.min(2) + 1)).collect(),
        };
        let layers: Vec<_> = (0..count).map(|id| layer(id, random)).collect();
        Self { base: random.below(3), layers, last: 1 + random.below(count) }
    }

    fn declare(&self, record: &mut Record<Vec<u64>>, world: &World) -> Result<()> {
        let values = record.params().clone();
        match self.base {
            0 => record.insert("n0", values)?,
            1 => base_kept::named(record, ["n0"], values)?,
            _ => base_memory::named(record, ["n0"], values)?,
        };
        for (id, layer) in self.layers.iter().enumerate() {
            for (name, source) in ["xs", "ys"].into_iter().zip(&layer.sources) {
                record.alias(name, &format!("n{source}"))?;
            }
            let (name, world) = ([format!("n{}", id + 1)], world.clone());
            match (layer.kept, layer.sources.len()) {
                (true, 1) => kept_1::named(record, name, id, world)?,
                (true, _) => kept_2::named(record, name, id, world)?,
                (false, 1) => memory_1::named(record, name, id, world)?,
                (false, _) => memory_2::named(record, name, id, world)?,
            };
        }
        record.alias("xs", &format!("n{}", self.last))?;
        total(record, world.clone())?;
        Ok(())
    }
}

/// By what something enters keys.
type Key = String;

/// An array, as the model knows it: for each shard its identity and value, unless it could not be made.
struct Node {
    layer: usize,
    sources: Vec<usize>,
    shards: Vec<Option<(Key, u64)>>,
    has_run: bool,
}

#[derive(Default)]
struct Model {
    kept: BTreeSet<Key>,
    nodes: Vec<Node>,
    ran: Vec<Body>,
    /// How many calls failed, and how many were skipped.
    failed: usize,
    skipped: usize,
}

impl Model {
    fn run(&mut self, pipeline: &Pipeline, records: &[Vec<u64>], fails: Option<(usize, u64)>) {
        (self.nodes, self.ran, self.failed, self.skipped) = (vec![], vec![], 0, 0);
        let mut known: HashMap<(usize, Vec<usize>, Vec<u64>), usize> = HashMap::new();
        for base in records {
            let mut here = Vec::new();
            let read = |layer: &Layer| layer.sources.clone();
            let sources = std::iter::once(vec![]).chain(pipeline.layers.iter().map(read));
            for (number, sources) in sources.enumerate() {
                let above: Vec<usize> = sources.iter().map(|source| here[*source]).collect();
                let base = if number == 0 { base.clone() } else { vec![] };
                let next = self.nodes.len();
                let id = (number, above.clone(), base.clone());
                let node = *known.entry(id).or_insert(next);
                if node == next {
                    self.add(pipeline, number, above, &base, fails);
                }
                here.push(node);
            }
            let last = here[pipeline.last];
            if *known.entry((TOTAL, vec![last], vec![])).or_insert(usize::MAX - 1) == usize::MAX - 1
            {
                known.insert((TOTAL, vec![last], vec![]), 0);
                self.total(last);
            }
        }
        // What nobody reads runs for itself.
        for node in 0..self.nodes.len() {
            let is_read = self.nodes.iter().any(|other| other.sources.contains(&node));
            let is_total = self.nodes[node].layer == pipeline.last;
            if !is_read && !is_total {
                self.need(node);
            }
        }
        self.ran.sort();
    }

    fn add(
        &mut self,
        pipeline: &Pipeline,
        number: usize,
        above: Vec<usize>,
        base: &[u64],
        fails: Option<(usize, u64)>,
    ) {
        if number == 0 {
            let shards = base.iter().map(|value| Some((format!("v{value}"), *value))).collect();
            self.nodes.push(Node { layer: 0, sources: above, shards, has_run: true });
            return;
        }
        let (layer, kept) = (number - 1, pipeline.layers[number - 1].kept);
        let count = self.nodes[above[0]].shards.len();
        let (mut shards, mut begun) = (Vec::new(), BTreeSet::new());
        let (mut runs, mut failed, mut lost) = (false, false, false);
        for shard in 0..count {
            let elements = above.iter().map(|node| self.nodes[*node].shards[shard].clone());
            let Some(elements) = elements.collect::<Option<Vec<_>>>() else {
                lost = true;
                shards.push(None);
                continue;
            };
            let values: Vec<u64> = elements.iter().map(|(_, value)| *value).collect();
            let keys: Vec<_> = elements.into_iter().map(|(key, _)| key).collect();
            let key = format!("{layer}({})", keys.join(","));
            let value = made(layer, &values);
            if !kept {
                shards.push(Some((key, value)));
                continue;
            }
            let fails = fails == Some((layer, values[0])) && !self.kept.contains(&key);
            failed |= fails;
            if !self.kept.contains(&key) && begun.insert(key.clone()) {
                runs = true;
                self.ran.push((layer, values));
            }
            shards.push((!fails).then(|| (format!("v{value}"), value)));
            if !fails {
                self.kept.insert(key);
            }
        }
        self.failed += usize::from(failed);
        self.skipped += usize::from(lost && !failed);
        self.nodes.push(Node { layer: number, sources: above.clone(), shards, has_run: kept });
        if runs {
            above.iter().for_each(|node| self.need(*node));
        }
    }

    /// Runs an array in memory whose values somebody needs.
    fn need(&mut self, node: usize) {
        if std::mem::replace(&mut self.nodes[node].has_run, true) {
            return;
        }
        let Node { layer, sources, shards, .. } = &self.nodes[node];
        let (layer, sources) = (*layer, sources.clone());
        let unique: BTreeMap<Key, usize> =
            shards.iter().enumerate().map(|(at, shard)| (shard.clone().unwrap().0, at)).collect();
        for shard in unique.into_values() {
            let values =
                sources.iter().map(|node| self.nodes[*node].shards[shard].clone().unwrap().1);
            self.ran.push((layer - 1, values.collect()));
        }
        sources.iter().for_each(|node| self.need(*node));
    }

    fn total(&mut self, node: usize) {
        let shards: Option<Vec<_>> = self.nodes[node].shards.iter().cloned().collect();
        let Some(shards) = shards else {
            self.skipped += 1;
            return;
        };
        let keys: Vec<_> = shards.iter().map(|(key, _)| key.as_str()).collect();
        if self.kept.insert(format!("total({})", keys.join(","))) {
            self.need(node);
            self.ran.push((TOTAL, shards.into_iter().map(|(_, value)| value).collect()));
        }
    }
}

fn check(seed: u64) {
    let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x55);
    (0..4).for_each(|_| {
        random.below(2);
    });
    let pipeline = Pipeline::random(random);
    let mut sides = [1, 8].map(|jobs| (Lab::new(), jobs, Model::default()));
    for step in 0..3 {
        let records: Vec<Vec<u64>> = (0..=random.below(3))
            .map(|_| (0..random.below(9)).map(|_| random.below(12) as u64).collect())
            .collect();
        let may_fail = pipeline.layers.iter().all(|layer| layer.kept) && random.below(2) == 0;
        let fails =
            may_fail.then(|| (random.below(pipeline.layers.len()), random.below(12) as u64));
        for (lab, jobs, model) in &mut sides {
            let context = format!(
                "seed {seed}, run {step}, {jobs} jobs, {fails:?}, {records:?}, {pipeline:?}"
            );
            model.run(&pipeline, &records, fails);
            let world = World { fails, ..World::default() };
            let (shared, declared) = (world.clone(), pipeline.clone());
            let named = records.iter().enumerate();
            let experiment =
                Experiment::new("random", move |record| declared.declare(record, &shared))
                    .records(named.map(|(index, base)| (format!("r{index}"), base.clone())));
            let outcome = experiment.run(&lab.options().jobs(*jobs)).unwrap();
            let mut ran = std::mem::take(&mut *world.ran.lock().unwrap());
            ran.sort();
            // An array in memory may be asked by one whose shards another array makes meanwhile.
            let is_exact = |body: &&Body| {
                pipeline.layers.get(body.0).is_none_or(|layer| layer.kept) || records.len() == 1
            };
            let exact =
                |bodies: &[Body]| bodies.iter().filter(is_exact).cloned().collect::<Vec<_>>();
            assert_eq!(exact(&ran), exact(&model.ran), "{outcome:?} {context}");
            assert!(model.ran.iter().all(|body| ran.contains(body)), "{ran:?} {context}");
            assert_eq!(
                (outcome.failed, outcome.skipped),
                (model.failed, model.skipped),
                "{outcome:?} {context}"
            );
            // What has run is there for whoever comes next.
            let again = experiment.run(&lab.options().jobs(*jobs)).unwrap();
            let once_more = world.ran.lock().unwrap().len();
            let in_memory = pipeline.layers.iter().any(|layer| !layer.kept);
            assert!(fails.is_some() || in_memory || once_more == 0, "{again:?} {context}");
            if fails.is_none() {
                assert_eq!((again.failed, again.skipped), (0, 0), "{again:?} {context}");
            }
        }
    }
}

#[test]
fn random_arrays_do_what_the_model_says() {
    let seeds = match std::env::var("PLANS_SEED") {
        Ok(asked) => {
            let (first, end) = asked.split_once("..").unwrap_or((&asked, ""));
            let first: u64 = first.parse().unwrap();
            first..end.parse().unwrap_or(first + 1)
        }
        Err(_) => 0..40,
    };
    seeds.for_each(check);
}
