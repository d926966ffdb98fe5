use proptest::prelude::*;

use super::*;

fn request(indices: impl IntoIterator<Item = u32>) -> Request {
    let mut request = Request::new("/exe".into(), Name::new("embed-1").unwrap());
    request.indices = Some(indices.into_iter().collect());
    request
}

fn limits(max_array: u32) -> Limits {
    Limits { max_array, ..Limits::default() }
}

fn texts(request: &Request, after: Option<JobId>) -> Vec<String> {
    let part = request.parts(&limits(1001)).remove(0);
    let all = request.arguments(&part, after).unwrap();
    all.into_iter().map(|option| option.into_string().unwrap()).collect()
}

#[test]
fn everything_asked_for_is_an_option() {
    let mut request = request([1, 2, 3, 4, 7]);
    request.max_running = NonZeroU32::new(2);
    request.cpus = NonZeroU32::new(4);
    request.memory = Some((3 << 30) + 1);
    request.time = Some(Duration::from_secs(61));
    request.gpus = NonZeroU32::new(1);
    request.warning = Some(Duration::from_secs(90));
    request.option("partition=short").unwrap();
    request.option("exclusive").unwrap();
    request.option("comment=a b, 'c'").unwrap();
    request.logs = "/s/runs/r%1/log".into();
    request.folder = "/home/me".into();
    assert_eq!(
        texts(&request, Some(JobId(9))),
        [
            "--parsable",
            "--job-name=embed-1",
            "--array=1-4,7%2",
            "--dependency=afterany:9",
            "--nodes=1",
            "--ntasks=1",
            "--cpus-per-task=4",
            "--mem=3073M",
            "--time=2",
            "--gpus-per-node=1",
            "--requeue",
            "--open-mode=append",
            "--signal=B:USR1@90",
            "--export=ALL",
            "--partition=short",
            "--exclusive",
            "--comment=a b, 'c'",
            "--output=/s/runs/r%%1/log/%A_%a.out",
            "--chdir=/home/me",
        ]
    );
}

#[test]
fn what_is_not_asked_for_is_left_to_the_cluster() {
    let mut request = Request::new("/exe".into(), Name::new("fit").unwrap());
    request.requeue = false;
    request.environment = Environment::Only(vec!["HOME".to_owned(), "PATH".to_owned()]);
    request.logs = "/l".into();
    assert_eq!(
        texts(&request, None),
        [
            "--parsable",
            "--job-name=fit",
            "--nodes=1",
            "--ntasks=1",
            "--no-requeue",
            "--open-mode=append",
            "--export=HOME,PATH",
            "--output=/l/%j.out",
            "--chdir=/",
        ]
    );
}

#[test]
fn memory_is_asked_for_in_one_way() {
    let mut request = request([0]);
    request.memory = Some(1 << 30);
    request.option("mem-per-cpu=2G").unwrap();
    assert!(!texts(&request, None).iter().any(|option| option.starts_with("--mem=")));
}

#[test]
fn options_that_would_break_the_run_are_refused_with_the_reason() {
    let mut request = request([0]);
    for wrong in
        ["array=1-5", "output=/x", "arr=3", "wrap=ls", "dependency=afterok:1", "job-name=x"]
    {
        let error = request.option(wrong).unwrap_err().to_string();
        assert!(error.contains("cannot be set"), "{wrong}: {error}");
    }
    for wrong in ["--partition=x", "-p", "", "=x", "Partition=x", "partition x"] {
        let error = request.option(wrong).unwrap_err().to_string();
        assert!(error.contains("--slurm partition=short"), "{wrong}: {error}");
    }
    assert!(request.option("comment=a\nb").is_err());
    assert!(request.options.is_empty(), "what was refused is not kept");
    for fine in ["partition=a,b", "account=x", "qos=y", "constraint=a&b", "gres=gpu:1", "time=5"] {
        request.option(fine).unwrap();
    }
}

#[test]
fn names_are_plain() {
    for wrong in ["", "a b", "a,b", "-a", "a/b", "a%j", "ä", "a\n"] {
        assert!(Name::new(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn variables_are_named_or_refused() {
    for wrong in ["", "A,B", "A=1", "1A", "ALL", "A\n"] {
        let mut request = request([0]);
        request.environment = Environment::Only(vec!["HOME".to_owned(), wrong.to_owned()]);
        let part = request.parts(&limits(1001)).remove(0);
        assert!(request.arguments(&part, None).is_err(), "{wrong:?}");
    }
}

#[test]
fn an_array_of_more_tasks_than_are_taken_is_cut() {
    let parts = request(0..10).parts(&Limits { most_tasks: 4, ..Limits::default() });
    let told: Vec<_> =
        parts.iter().map(|part| (part.base, part.indices.as_ref().unwrap().to_string())).collect();
    assert_eq!(told, [(0, "0-3".to_owned()), (0, "4-7".to_owned()), (0, "8-9".to_owned())]);
}

#[test]
fn an_array_beyond_the_limit_is_cut() {
    let parts = request(0..250).parts(&limits(101));
    let told: Vec<_> = parts
        .iter()
        .map(|part| (part.name.to_string(), part.base, part.indices.as_ref().unwrap().to_string()))
        .collect();
    let expected =
        [("embed-1.0", 0, "0-100"), ("embed-1.1", 101, "0-100"), ("embed-1.2", 202, "0-47")];
    assert_eq!(told, expected.map(|(name, base, list)| (name.to_owned(), base, list.to_owned())));
}

proptest! {
    #[test]
    fn parts_keep_to_the_limits_and_lose_nothing(
        indices in prop::collection::btree_set(0u32..60_000, 1..2000),
        max_array in 1u32..3000,
    ) {
        let parts = request(indices.iter().copied()).parts(&limits(max_array));
        let mut all = Vec::new();
        let mut names = std::collections::HashSet::new();
        for part in &parts {
            let inner = part.indices.as_ref().unwrap();
            prop_assert!(!inner.is_empty());
            prop_assert!(inner.iter().all(|index| index < max_array));
            prop_assert!(inner.to_string().len() <= LONGEST_LIST);
            prop_assert!(names.insert(part.name.to_string()));
            all.extend(inner.iter().map(|index| index + part.base));
        }
        prop_assert!(all.iter().eq(indices.iter()));
    }

    #[test]
    fn any_option_is_taken_or_refused(written in ".*") {
        let _ = request([0]).option(&written);
    }
}

#[test]
fn a_list_that_is_too_long_for_a_command_line_is_cut() {
    let parts = request((0..400_000).step_by(2)).parts(&limits(1_000_001));
    assert!(parts.len() > 10);
    assert!(
        parts.iter().all(|part| part.indices.as_ref().unwrap().to_string().len() <= LONGEST_LIST)
    );
}
