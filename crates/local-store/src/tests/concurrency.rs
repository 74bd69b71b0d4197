//! Several processes that use one store, and processes that are suspended while they hold a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sccfg_util::fsio::share;

use super::*;

/// Eight writers and readers at the limit: restored files are right, entries in use are kept, and the size never exceeds the limit.
#[test]
fn concurrent_processes_stay_below_the_limit() {
    let limit = 8 << 20;
    let fixture = fixture(limit);
    let is_done = AtomicBool::new(false);
    let most = AtomicU64::new(0);
    let content = |number: u64| {
        let size = 4 * BLOCK + number * 937 % (64 << 10);
        let size = usize::try_from(size).unwrap();
        number.to_le_bytes().repeat(size / 8)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8_u64)
            .map(|worker| {
                let (fixture, content) = (&fixture, &content);
                scope.spawn(move || {
                    let store = Store::new(fixture.store.root(), limit);
                    let (new, to) = (
                        fixture.path(&format!("new{worker}")),
                        fixture.path(&format!("to{worker}")),
                    );
                    let mut hits = 0;
                    for round in 0..150_u64 {
                        // Half of the lookups are of four entries, which all workers use.
                        let number = match round % 2 {
                            0 => round / 2 % 4,
                            _ => 4 + (round * 31 + worker * 7) % 400,
                        };
                        let (key, expected) = (format!("key{number}"), content(number));
                        if let Some(entry) = store.get(&key) {
                            let _ = fsio::remove_file(&to);
                            // It may have been evicted since.
                            if store.restore(&entry, "out", &to).is_ok() {
                                assert_eq!(fsio::read_bytes(&to).unwrap(), expected);
                                hits += 1;
                            }
                            continue;
                        }
                        let _ = fsio::remove_file(&new);
                        fsio::replace(&new, &expected).unwrap();
                        let sharing = if number % 2 == 0 {
                            Sharing::Copy
                        } else {
                            Sharing::Link
                        };
                        let digest = digest(&expected);
                        let file = NewFile {
                            name: "out",
                            path: &new,
                            digest: &digest,
                            sharing,
                            is_final: number % 3 == 0,
                        };
                        store.put(&key, b"", &[file]).unwrap();
                    }
                    hits
                })
            })
            .collect();
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                most.fetch_max(occupied(fixture.store.root()), Ordering::Relaxed);
            }
        });
        let ended: Vec<_> = workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        is_done.store(true, Ordering::Relaxed);
        let hits: u64 = ended.into_iter().map(Result::unwrap).sum();
        let of_the_four = 8 * 75;
        assert!(hits > of_the_four / 2, "{hits}");
    });
    let most = most.into_inner();
    assert!(most <= limit && most > limit / 2, "{most} of {limit}");
    assert!(fixture.store.counters().evicted > 50);
    let verified = fixture.store.verify(&|_| true).unwrap();
    assert_eq!((verified.damaged.len(), verified.removed_entries), (0, 0));
}

#[test]
fn a_lock_is_waited_for_only_if_it_is_held_for_the_same_key() {
    let Fixture { store, .. } = &fixture(ROOMY);
    let [key, alike] = ["abcd01", "abcd02"];
    let forever = Duration::from_secs(600);
    let held = store.lock_key(key, forever).unwrap();
    assert!(!held.had_to_wait);
    assert!(store.lock_key(alike, forever).is_none());
    // The file names the holder.
    let text = fsio::read_bytes(store.root().join("locks/abc")).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, format!("{key} {}\n", std::process::id()));
    assert!(store.lock_key(key, Duration::ZERO).is_none());
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.lock_key(key, forever));
        drop(held);
        waiting.join().unwrap()
    });
    drop(waiting.unwrap());
    // It was held for another key before.
    assert!(!store.lock_key(alike, forever).unwrap().had_to_wait);
}

/// The process in which [`lock_until_killed`] runs. It is killed on drop.
struct Holder(std::process::Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const HELD: &str = "SCCFG_TEST_HELD";

/// Not a test: locks the file that the variable names, reports that, and waits.
#[test]
fn lock_until_killed() {
    let Some(path) = sccfg_util::env::var_os(HELD) else {
        return;
    };
    let lock = share::open_or_create(Path::new(&path)).unwrap();
    lock.lock_shared().unwrap();
    fsio::replace(&Path::new(&path).with_extension("held"), b"").unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

/// Another process that holds a shared lock of the file at `path`.
fn holder(path: &Path) -> Holder {
    let program = sccfg_util::env::current_program().unwrap();
    #[allow(clippy::disallowed_methods, reason = "it is suspended")]
    let mut command = std::process::Command::new(program);
    let command = command.args(["--exact", "tests::concurrency::lock_until_killed"]);
    let child = command.env(HELD, path).spawn().unwrap();
    while !path.with_extension("held").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Holder(child)
}

fn signal(holder: &Holder, name: &str) {
    let pid = holder.0.id().to_string();
    let args = ["-c", "kill -s \"$@\"", "kill", name, &pid];
    let sent = sccfg_util::proc::output("sh", &args, Path::new("/")).unwrap();
    assert!(sent.status.success());
}

/// A build that is suspended while it stores an entry prevents evictions by others, and one that is suspended while it counts
/// prevents counting. The others continue without.
#[test]
fn builds_do_not_wait_for_a_process_that_is_suspended() {
    let limit = 6 << 20;
    let fixture = fixture(limit);
    fixture.put("first1", &vec![1; 2 << 20], Sharing::Copy);
    fixture.put("second", &vec![2; 1 << 20], Sharing::Copy);
    let path = fixture.path("third");
    let content = vec![3; 2 << 20];
    fsio::replace(&path, &content).unwrap();
    let put = || {
        let file = NewFile {
            name: "out",
            path: &path,
            digest: &digest(&content),
            sharing: Sharing::Copy,
            is_final: false,
        };
        fixture.store.put("third1", b"", &[file])
    };
    for lock in ["lock", "accounts"] {
        let holder = holder(&fixture.store.root().join(lock));
        signal(&holder, "STOP");
        assert!(put().is_err(), "{lock}");
        assert!(fixture.store.get("third1").is_none());
        assert!(fixture.content_of("first1").is_some());
        let is_counted = fixture.store.count(0, Outcome::Hit).is_ok();
        assert_eq!(is_counted, lock == "lock");
    }
    assert_eq!(put().unwrap(), Put::Stored);
    assert!(fixture.store.size().unwrap() <= limit);
    assert_eq!(fixture.store.size(), Some(fixture.store.scan().size()));
}

/// Commands wait, report for which process after some seconds, and continue when it ends.
#[test]
fn commands_wait_for_a_process_that_is_suspended_and_say_so() {
    let fixture = fixture(ROOMY);
    fixture.put("first1", b"content", Sharing::Copy);
    let holder = holder(&fixture.store.root().join("lock"));
    signal(&holder, "STOP");
    let pid = holder.0.id();
    let given_up = |pids: &[u32]| {
        if cfg!(target_os = "linux") {
            assert_eq!(pids, [pid]);
        }
        false
    };
    let store = &fixture.store;
    let interrupted = |error: io::Error| assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    interrupted(store.garbage(&given_up).unwrap_err());
    interrupted(store.verify(&given_up).unwrap_err());
    let waits = std::sync::Mutex::new(Some(holder));
    let ends_it = |_: &[u32]| {
        drop(waits.lock().unwrap().take());
        true
    };
    assert_eq!(store.verify(&ends_it).unwrap().entries, 1);
    assert!(waits.lock().unwrap().is_none());
    assert!(store.collect(&|_| true).unwrap().is_empty());
}
