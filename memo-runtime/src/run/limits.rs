//! What of the machine the running calls take: jobs, and memory.

use std::collections::HashSet;

use super::graph::Graph;

/// What a call takes while it runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    jobs: usize,
    memory: u64,
    /// What is to be told, once, of a stage that asks for more than there is.
    pub(super) too_much: Option<String>,
}

pub(super) struct Limits {
    jobs: usize,
    memory: u64,
    free_jobs: usize,
    free_memory: u64,
    /// The stages that were found to ask for too much.
    told: HashSet<&'static str>,
}

impl Limits {
    /// `memory` stands in for what the machine has.
    pub(super) fn new(jobs: usize, memory: Option<u64>, graph: &Graph<'_>) -> Self {
        let asks = graph.nodes.iter().any(|node| node.spec.resources.memory > 0);
        // Not asked for where nobody needs to know.
        let memory = if asks { memory.unwrap_or_else(machine_memory) } else { u64::MAX };
        Self { jobs, memory, free_jobs: jobs, free_memory: memory, told: HashSet::new() }
    }

    /// Takes what a call needs, if it is there. One that asks for more than there is takes everything.
    pub(super) fn take(&mut self, graph: &Graph<'_>, index: usize) -> Option<Need> {
        let node = &graph.nodes[index];
        let wants = &node.spec.resources;
        let cpus = usize::try_from(wants.cpus).unwrap_or(usize::MAX).max(1);
        let too_large = cpus > self.jobs || wants.memory > self.memory;
        let jobs = if too_large { self.jobs } else { cpus };
        let memory = wants.memory.min(self.memory);
        if jobs > self.free_jobs || memory > self.free_memory {
            return None;
        }
        self.free_jobs -= jobs;
        self.free_memory -= memory;
        let tells = too_large && self.told.insert(node.spec.name);
        let too_much = tells.then(|| {
            let (all_jobs, all) = (self.jobs, bytes(self.memory));
            if wants.memory > self.memory {
                let asked = bytes(wants.memory);
                format!("it asks for {asked} of memory, and there are {all}: it runs alone")
            } else {
                format!("it asks for {cpus} cpus, and there are {all_jobs} jobs: it runs alone")
            }
        });
        Some(Need { jobs, memory, too_much })
    }

    pub(super) fn give_back(&mut self, need: &Need) {
        self.free_jobs += need.jobs;
        self.free_memory += need.memory;
    }
}

pub(super) fn bytes(count: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = units.iter().find(|(unit, _)| count >= *unit);
    let (unit, name) = fits.copied().unwrap_or((1, "bytes"));
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let count = (count as f64 / unit as f64 * 10.0).round() / 10.0;
    format!("{count} {name}")
}

/// Returns how much memory there is for this process: that of the machine, or what its control groups allow.
fn machine_memory() -> u64 {
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups)
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    limits.chain(total).min().unwrap_or(u64::MAX)
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Lists the files that may hold a limit: those of a process's control groups and of all groups around them.
fn limit_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(mut path)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        loop {
            path = path.trim_end_matches('/');
            files.push(format!("{root}{path}/{name}"));
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None => break,
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(total_of("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        assert_eq!(total_of("nonsense"), None);
        assert_eq!(
            limit_files("0::/a/b\n"),
            [
                "/sys/fs/cgroup/a/b/memory.max",
                "/sys/fs/cgroup/a/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            limit_files("3:cpu:/\n4:memory:/\n"),
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
        assert!(machine_memory() > 1 << 20);
    }

    #[test]
    fn sizes_are_told_as_people_say_them() {
        assert_eq!(bytes(8 << 30), "8 GiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(7), "7 bytes");
    }
}
