//! `start` of every form of stage.

use super::*;

#[stage(outputs = [one, two], cachers = [Json])]
fn pair(params: &u32) -> (u32, String) {
    (*params, params.to_string())
}

#[stage(done = true)]
fn notify(notify: &str) -> Result<()> {
    if notify.is_empty() { Err("nothing to tell".into()) } else { Ok(()) }
}

#[stage(outputs = [wrapped], cachers = [Json])]
fn wrap<T: Clone + Serialize + for<'de> Deserialize<'de> + Send + Sync + 'static>(
    value: T,
    record: u8,
    outputs: &str,
) -> (T, u8, String) {
    (value, record, outputs.to_owned())
}

#[stage(outputs = [raw])]
fn r#match(r#type: u8) -> u8 {
    r#type
}

#[test]
fn several_outputs_come_as_several_handles() {
    let lab = Lab::new();
    let call: Call<(Lazy<u32>, Lazy<String>)> = pair::start(&mut lab.record(3)).unwrap();
    let (one, two) = call.wait().unwrap();
    assert_eq!((*one.load().unwrap(), two.load().unwrap().as_str()), (3, "3"));
}

#[test]
fn a_stage_without_outputs_is_done_once() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let call: Call<()> = notify::start(&mut record, "hello").unwrap();
    call.wait().unwrap();
    notify::start(&mut record, "hello").unwrap().wait().unwrap();
    notify::start(&mut record, "").unwrap().wait().unwrap_err();
    assert_eq!(lab.ran(), ["notify", "notify"]);
}

#[test]
fn generic_stages_and_names_that_get_in_the_way() {
    let lab = Lab::new();
    let mut record = lab.record(());
    let call = wrap::start::<Vec<u8>>(&mut record, vec![1], 2, "three").unwrap();
    let wrapped = call.wait().unwrap().load().unwrap();
    assert_eq!(*wrapped, (vec![1], 2, "three".to_owned()));
    let call = r#match::start(&mut record, 7).unwrap();
    assert_eq!(*call.wait().unwrap().load().unwrap(), 7);
}
