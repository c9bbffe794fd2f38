//! Waits on whatever drivers the machine has. Without a driver the tests print a skip and pass.

use super::*;
use crate::sys::register_thread;
use crate::vulkan::loader::instance_or_skip;

/// A completion for each usable device, with timeline semaphores and, if `baseline` is set, with fences.
fn completions(baseline: bool) -> Vec<Arc<Completion>> {
    let Some(instance) = instance_or_skip(false) else { return Vec::new() };
    let snapshots = instance.snapshots().unwrap();
    // The mock driver's semaphores do not work.
    let usable = snapshots.iter().filter(|snapshot| snapshot.usable.is_ok() && !snapshot.name.contains("Mock"));
    let open = usable.map(|snapshot| Arc::new(Device::open(instance.clone(), snapshot, baseline, 1).unwrap()));
    open.map(|device| Arc::new(Completion::new(&device, &Spin::new(Duration::from_micros(50))).unwrap())).collect()
}

#[test]
fn a_wait_for_a_lost_submission_ends() {
    for completion in completions(false).into_iter().filter(|completion| completion.may_wait_before()) {
        let waits: Vec<_> = (0..20)
            .map(|_| {
                let completion = completion.clone();
                std::thread::spawn(move || {
                    register_thread();
                    completion.wait(1, Some(Instant::now() + Duration::from_secs(60))).map_err(|e| e.kind)
                })
            })
            .collect();
        while completion.waiting() < 20 {
            std::thread::yield_now();
        }
        completion.lose(1);
        for wait in waits {
            assert_eq!(wait.join().unwrap(), Err(ErrorKind::Driver));
        }
        assert_eq!(completion.waiting(), 0);
        assert!(!completion.wait(2, Some(Instant::now())).unwrap(), "another one is not lost");
    }
}

#[test]
fn fences_cannot_be_waited_for_before_they_are_on_their_way() {
    assert!(completions(true).iter().all(|completion| !completion.may_wait_before()));
}
