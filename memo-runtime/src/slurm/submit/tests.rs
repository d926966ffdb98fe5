use proptest::prelude::*;

use super::super::tests::fake::Fake;
use super::*;

fn request(logs: &Path) -> Request {
    let mut request = Request::new("/bin/true".into(), Name::new("embed-1").unwrap());
    request.indices = Some((0..3).collect());
    request.logs = logs.to_owned();
    request
}

fn submit(fake: &Fake) -> Result<JobId, Error> {
    let logs = tempfile::tempdir().unwrap();
    let request = request(logs.path());
    let slurm = fake.slurm();
    let part = request.parts(slurm.limits()).remove(0);
    slurm.submit(&request, &part, None)
}

#[test]
fn the_number_is_taken_from_what_sbatch_says() {
    let count = "echo called >>\"$CALLS\"; ";
    for (says, number) in [("echo 12", 12), ("echo 12';'test", 12), ("echo Welcome; echo 12", 12)] {
        let fake = Fake::new("sbatch", &format!("{count}{says}"));
        assert_eq!(submit(&fake), Ok(JobId(number)), "{says}");
        assert_eq!(fake.calls("sbatch").len(), 1);
    }
}

#[test]
fn a_submission_whose_answer_was_lost_is_found_by_its_name() {
    for lost in [
        "echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1",
        "kill -9 $$",
        "exit 1",
        "echo hm",
    ] {
        let fake = Fake::new("sbatch", &format!("echo called >>\"$CALLS\"; {lost}"));
        fake.and("squeue", "echo \"$@\" >>\"$CALLS\"; echo 7; echo 7");
        assert_eq!(submit(&fake), Ok(JobId(7)), "{lost}");
        assert_eq!(fake.calls("sbatch").len(), 1, "submitted once");
        assert_eq!(fake.calls("squeue"), ["-h --states=all --name=embed-1 -o %F"]);
    }
}

#[test]
fn one_that_was_not_taken_is_tried_again() {
    let fake = Fake::new(
        "sbatch",
        "echo called >>\"$CALLS\"; [ $(wc -l <\"$CALLS\") = 3 ] && echo 9 && exit; echo 'Socket timed out' >&2; exit 1",
    );
    fake.and("squeue", "echo called >>\"$CALLS\"");
    assert_eq!(submit(&fake), Ok(JobId(9)));
    assert_eq!(fake.calls("sbatch").len(), 3);
    assert_eq!(
        fake.calls("squeue").len(),
        2 * LOOKS.len(),
        "each try is looked for, and not too briefly"
    );
}

#[test]
fn where_there_is_no_room_sbatch_is_not_waited_for() {
    let said = "Slurm temporarily unable to accept job, sleeping and retrying";
    let fake = Fake::new(
        "sbatch",
        &format!("echo called >>\"$CALLS\"; echo 'sbatch: error: {said}' >&2; exec sleep 1000"),
    );
    fake.and("squeue", "echo called >>\"$CALLS\"");
    assert_eq!(submit(&fake), Err(Error::Full { said: said.to_owned() }));
    assert_eq!((fake.calls("sbatch").len(), fake.calls("squeue").len()), (1, 1));
    // It was stopped too late: its next try has come through.
    fake.and("squeue", "echo 7");
    assert_eq!(submit(&fake), Ok(JobId(7)));
}

#[test]
fn a_full_queue_is_no_reason_to_refuse() {
    let fake = Fake::new(
        "sbatch",
        "echo 'allocation failure: Resource temporarily unavailable' >&2; exit 1",
    );
    let logs = tempfile::tempdir().unwrap();
    assert_eq!(fake.slurm().check(&request(logs.path())), Ok(()));
}

#[test]
fn a_cluster_that_is_out_of_service_is_no_reason_to_refuse() {
    let said = "allocation failure: Requested node configuration is not available";
    let fake = Fake::new("sbatch", &format!("echo '{said}' >&2; exit 1"));
    let logs = tempfile::tempdir().unwrap();
    fake.and("sinfo", "echo 'main*|0/0'; echo 'other|0/7'");
    assert_eq!(fake.slurm().check(&request(logs.path())), Ok(()));
    fake.and("sinfo", "echo 'main*|0/1'; echo 'other|0/0'");
    assert!(matches!(fake.slurm().check(&request(logs.path())), Err(Error::Refused { .. })));
}

#[test]
fn two_of_one_name_are_one_too_many() {
    let fake = Fake::new("sbatch", "echo 'Socket timed out' >&2; exit 1");
    fake.and("squeue", "echo 8; echo 7; echo 8");
    fake.and("scancel", "echo \"$@\" >>\"$CALLS\"");
    assert_eq!(submit(&fake), Ok(JobId(7)));
    assert_eq!(fake.calls("scancel"), ["8"]);
}

#[test]
fn what_nobody_knows_is_said_to_be_unclear() {
    let fake = Fake::new("sbatch", "echo called >>\"$CALLS\"; echo 'Socket timed out' >&2; exit 1");
    fake.and("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1");
    let error = submit(&fake).unwrap_err();
    assert!(matches!(&error, Error::Unclear { name, .. } if name == "embed-1") && error.passes());
    assert!(error.to_string().contains("`scancel --name=embed-1`"), "{error}");
    assert_eq!(fake.calls("sbatch").len(), 1, "never again before it is known");
}

#[test]
fn a_run_that_is_to_end_does_not_wait_to_find_out() {
    let fake = Fake::new("sbatch", "echo 'Socket timed out' >&2; exit 1");
    fake.and("squeue", "echo called >>\"$CALLS\"");
    let logs = tempfile::tempdir().unwrap();
    let request = request(logs.path());
    let slurm = fake.slurm().pausing(|_| false);
    let part = request.parts(slurm.limits()).remove(0);
    let error = slurm.submit(&request, &part, None).unwrap_err();
    assert!(matches!(error, Error::Unclear { .. }), "{error}");
    assert_eq!(fake.calls("squeue").len(), 1);
}

#[test]
fn a_refusal_and_a_full_queue_are_not_tried_again() {
    for (said, is_full) in
        [("Invalid qos specification", false), ("QOSMaxSubmitJobPerUserLimit", true)]
    {
        let fake = Fake::new(
            "sbatch",
            &format!("echo called >>\"$CALLS\"; echo 'sbatch: error: {said}' >&2; exit 1"),
        );
        let error = submit(&fake).unwrap_err();
        assert_eq!(matches!(error, Error::Full { .. }), is_full, "{error}");
        assert_eq!(fake.calls("sbatch").len(), 1);
    }
}

#[test]
fn logs_that_cannot_be_written_are_told_before_anything_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let fake = Fake::new("sbatch", "echo called >>\"$CALLS\"; echo 1");
    let request = request(&file.join("log"));
    let slurm = fake.slurm();
    let error = slurm.submit(&request, &request.parts(slurm.limits())[0], None).unwrap_err();
    assert!(
        error.to_string().starts_with("the logs of Slurm's tasks cannot be written"),
        "{error}"
    );
    assert!(fake.calls("sbatch").is_empty());
}

#[test]
fn more_time_than_the_partition_allows_is_refused() {
    let fake = Fake::new("sbatch", "echo \"$@\" >>\"$CALLS\"");
    fake.and("sinfo", "printf '%s\\n' 'main*|2:00' 'short|1:00' 'long|1-00:00:00' 'any|infinite'");
    let logs = tempfile::tempdir().unwrap();
    let slurm = fake.slurm();
    let check = |minutes: u64, options: &[&str]| {
        let mut request = request(logs.path());
        request.time = Some(Duration::from_mins(minutes));
        options.iter().for_each(|option| request.option(option).unwrap());
        slurm.check(&request)
    };
    assert_eq!(check(2, &[]), Ok(()));
    let error = check(3, &[]).unwrap_err().to_string();
    assert!(error.starts_with("partition `main` allows 2 min, and 3 are asked for"), "{error}");
    assert!(check(2, &["partition=short"]).is_err());
    assert_eq!(check(1440, &["partition=short,long"]), Ok(()));
    assert!(check(1441, &["partition=short,long"]).is_err());
    assert_eq!(check(99_999, &["partition=any"]), Ok(()));
    assert_eq!(check(3, &["qos=big"]), Ok(()), "a QOS may allow more than the partition");
    assert!(fake.calls("sbatch").iter().all(|call| call.contains("--test-only")));
}

proptest! {
    #[test]
    fn any_limit_is_read(text in ".*", like in "[0-9]{0,20}-?[0-9:]{0,12}") {
        let _ = (limit_of(&text), limit_of(&like));
    }
}
