use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sccfg_util::fsio;
use sccfg_util::fsio::share;

use super::*;

struct Fixture {
    directory: tempfile::TempDir,
    store: Store,
}

fn fixture(limit: u64) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path().join("store"), limit);
    Fixture { directory, store }
}

const ROOMY: u64 = 1 << 30;

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Stores an entry with the one file `out`.
    fn put(&self, key: &str, content: &[u8], sharing: Sharing) -> Put {
        let path = self.path(&format!("{key}.new"));
        fsio::replace(&path, content).unwrap();
        let file = NewFile {
            name: "out",
            path: &path,
            digest: &digest(content),
            sharing,
            is_final: false,
        };
        let put = self
            .store
            .put(key, b"metadata\nof the caller", &[file])
            .unwrap();
        let _ = fsio::remove_file(&path);
        put
    }

    fn content_of(&self, key: &str) -> Option<Vec<u8>> {
        let entry = self.store.get(key)?;
        let to = self.path(&format!("{key}.restored"));
        let _ = fsio::remove_file(&to);
        self.store.restore(&entry, "out", &to).unwrap();
        fsio::read_bytes(&to)
    }

    /// The only file with stored content.
    fn blob(&self) -> PathBuf {
        let scan = self.store.scan();
        assert_eq!(scan.blobs.len(), 1);
        scan.blobs.into_keys().next().unwrap()
    }
}

/// Writes into a file in place.
fn write_over(path: &Path, bytes: &[u8]) {
    let mut patcher = fsio::Patcher::of(path);
    patcher.write(0, bytes).unwrap();
    patcher.finish().unwrap();
}

/// What `du` counts.
fn occupied(directory: &Path) -> u64 {
    fsio::names_in(directory)
        .into_iter()
        .map(|name| directory.join(name))
        .map(|path| {
            if path.is_dir() {
                BLOCK + occupied(&path)
            } else {
                rounded(fsio::file_size(&path))
            }
        })
        .sum()
}

#[test]
fn an_entry_is_restored_with_its_metadata() {
    let fixture = fixture(ROOMY);
    assert!(fixture.store.get("abc1").is_none());
    assert_eq!(fixture.put("abc1", b"content", Sharing::Copy), Put::Stored);
    assert_eq!(fixture.content_of("abc1").unwrap(), b"content");
    let entry = fixture.store.get("abc1").unwrap();
    assert_eq!(entry.metadata(), b"metadata\nof the caller");
    assert!(fixture.store.get("abc2").is_none());
}

#[test]
fn a_key_is_not_a_path() {
    let fixture = fixture(ROOMY);
    for key in ["../../etc", "", "ab", "a/b/c"] {
        assert!(fixture.store.get(key).is_none());
        assert!(fixture.store.put(key, b"", &[]).is_err());
    }
}

#[test]
fn a_copy_is_a_separate_file_and_a_link_is_read_only() {
    let fixture = fixture(ROOMY);
    fixture.put("copied1", b"content", Sharing::Copy);
    fixture.put("linked1", b"content", Sharing::Link);
    fixture.content_of("copied1").unwrap();
    write_over(&fixture.path("copied1.restored"), b"C");
    assert_eq!(fixture.content_of("copied1").unwrap(), b"content");
    fixture.content_of("linked1").unwrap();
    let mode = std::fs::metadata(fixture.path("linked1.restored")).unwrap();
    assert!(mode.permissions().readonly());
    assert!(
        !std::fs::metadata(fixture.path("copied1.restored"))
            .unwrap()
            .permissions()
            .readonly()
    );
}

#[test]
fn a_final_file_is_stored_as_a_link_and_restored_as_a_copy() {
    let fixture = fixture(ROOMY);
    let path = fixture.path("new");
    fsio::replace(&path, b"content").unwrap();
    let file = NewFile {
        name: "out",
        path: &path,
        digest: &digest(b"content"),
        sharing: Sharing::Copy,
        is_final: true,
    };
    fixture.store.put("final1", b"", &[file]).unwrap();
    let stored = std::fs::metadata(&path).unwrap();
    assert_eq!(stored.nlink(), 2);
    assert!(!stored.permissions().readonly());
    fixture.content_of("final1").unwrap();
    write_over(&fixture.path("final1.restored"), b"C");
    assert_eq!(fixture.content_of("final1").unwrap(), b"content");
    write_over(&path, b"C");
    assert!(fixture.store.get("final1").is_none());
}

#[test]
fn a_file_that_was_written_in_place_is_never_restored() {
    let fixture = fixture(ROOMY);
    fixture.put("linked1", b"content", Sharing::Link);
    fixture.content_of("linked1").unwrap();
    // As root does, or a tool that changes the mode first.
    write_over(&fixture.path("linked1.restored"), b"C");
    assert!(fixture.store.get("linked1").is_none());
    assert_eq!(
        fixture.put("linked1", b"content", Sharing::Link),
        Put::Stored
    );
    assert_eq!(fixture.content_of("linked1").unwrap(), b"content");
}

#[test]
fn a_file_that_was_only_touched_is_restored() {
    let fixture = fixture(ROOMY);
    fixture.put("linked1", b"content", Sharing::Link);
    share::touch(&fixture.blob()).unwrap();
    assert_eq!(fixture.content_of("linked1").unwrap(), b"content");
    assert_eq!(fixture.content_of("linked1").unwrap(), b"content");
}

#[test]
fn after_a_power_cut_files_are_compared_once() {
    let fixture = fixture(ROOMY);
    fixture.put("whole1", b"whole", Sharing::Copy);
    fixture.put("lost12", b"lost!", Sharing::Copy);
    for key in ["whole1", "lost12"] {
        let path = fixture.store.entry_path(key).unwrap();
        let text = String::from_utf8(fsio::read_bytes(&path).unwrap()).unwrap();
        let text = text.replace(boot_text(), "another run of the machine");
        fsio::replace(&path, text.as_bytes()).unwrap();
    }
    // Blocks that never reached the disk read as zeros; size and time may have.
    let entry = entry::Entry::read(&fixture.store.entry_path("lost12").unwrap(), "lost12").unwrap();
    let blob = fixture.store.blob_path(entry.file("out").unwrap());
    let time = share::modified(&blob).unwrap();
    write_over(&blob, &[0; 5]);
    let file = std::fs::File::options().write(true).open(&blob).unwrap();
    file.set_modified(time).unwrap();
    assert!(fixture.store.get("lost12").is_none());
    assert_eq!(fixture.content_of("whole1").unwrap(), b"whole");
    let path = fixture.store.entry_path("whole1").unwrap();
    let text = String::from_utf8(fsio::read_bytes(&path).unwrap()).unwrap();
    assert!(text.contains(boot_text()), "{text}");
}

fn boot_text() -> &'static str {
    entry::boot().unwrap()
}

#[test]
fn the_least_recently_used_are_evicted_and_the_limit_holds() {
    let limit = 8 << 20;
    let fixture = fixture(limit);
    let content = |number: u8| vec![number; 256 << 10];
    for number in 0..60 {
        fixture.put(&format!("key{number:02}"), &content(number), Sharing::Copy);
        assert!(fixture.content_of("key00").is_some(), "{number}");
        assert!(occupied(fixture.store.root()) <= limit);
    }
    assert!(fixture.content_of("key59").is_some());
    assert!(fixture.content_of("key01").is_none());
    let counters = fixture.store.counters();
    assert_eq!(counters.stored, 60);
    assert!(counters.evicted > 20, "{counters:?}");
    let kept = fixture.store.scan().size();
    assert_eq!(fixture.store.size(), Some(kept));
}

#[test]
fn an_entry_that_is_too_large_is_not_stored() {
    let fixture = fixture(4 << 20);
    let put = fixture.put("large1", &vec![1; 3 << 20], Sharing::Copy);
    assert_eq!(put, Put::TooLarge);
    assert!(fixture.store.get("large1").is_none());
}

#[test]
fn equal_contents_are_stored_once() {
    let fixture = fixture(ROOMY);
    let content = vec![7; 1 << 20];
    fixture.put("first1", &content, Sharing::Copy);
    fixture.put("second", &content, Sharing::Copy);
    fixture.put("second", &content, Sharing::Copy);
    fixture.blob();
    assert!(fixture.store.size().unwrap() < 2 << 20);
}

#[test]
fn a_damaged_file_is_replaced_by_the_next_entry_with_its_content() {
    let fixture = fixture(ROOMY);
    fixture.put("first1", b"content", Sharing::Copy);
    write_over(&fixture.blob(), b"C");
    fixture.put("second", b"content", Sharing::Copy);
    assert_eq!(fixture.content_of("second").unwrap(), b"content");
}

#[test]
fn a_failed_put_leaves_nothing_and_costs_nothing() {
    let fixture = fixture(ROOMY);
    fixture.put("first1", b"content", Sharing::Copy);
    let before = fixture.store.size();
    let missing = NewFile {
        name: "out",
        path: &fixture.path("missing"),
        digest: &digest(b""),
        sharing: Sharing::Copy,
        is_final: false,
    };
    assert!(fixture.store.put("second", b"", &[missing]).is_err());
    assert!(fixture.store.get("second").is_none());
    assert_eq!(fixture.store.size(), before);
}

#[test]
fn files_of_killed_processes_are_removed_by_the_next_eviction() {
    let limit = 8 << 20;
    let fixture = fixture(limit);
    fixture.put("first1", b"content", Sharing::Copy);
    let orphan = fixture.store.root().join("blobs/ff").join("ff00.w");
    fsio::replace_and_create_dir(&orphan, &vec![1; 1 << 20]).unwrap();
    let temporary = fixture.store.root().join("tmp/left");
    fsio::replace(&temporary, b"half").unwrap();
    fsio::replace(&fixture.store.root().join("accounts"), b"torn").unwrap();
    fixture.put("second", b"more", Sharing::Copy);
    assert!(!fsio::exists(&orphan) && !fsio::exists(&temporary));
    assert_eq!(fixture.content_of("first1").unwrap(), b"content");
    assert_eq!(fixture.content_of("second").unwrap(), b"more");
    assert_eq!(fixture.store.size(), Some(fixture.store.scan().size()));
}

#[test]
fn verify_removes_only_damaged_files_and_their_entries() {
    let fixture = fixture(ROOMY);
    fixture.put("whole1", b"whole", Sharing::Copy);
    fixture.put("linked", b"whole as well", Sharing::Link);
    assert_eq!(fixture.store.verify(&|_| true).unwrap().entries, 2);
    let entry = fixture.store.get("linked").unwrap();
    let blob = fixture.store.blob_path(entry.file("out").unwrap());
    write_over(&blob, b"W");
    let verified = fixture.store.verify(&|_| true).unwrap();
    assert_eq!(
        (verified.entries, verified.files, verified.removed_entries),
        (1, 1, 1)
    );
    assert_eq!(verified.damaged, [blob]);
    assert_eq!(fixture.content_of("whole1").unwrap(), b"whole");
    assert_eq!(fixture.store.size(), Some(fixture.store.scan().size()));
}

#[test]
fn lookups_are_counted_by_group_until_they_are_reset() {
    let fixture = fixture(ROOMY);
    for (group, outcome) in [
        (0, Outcome::Hit),
        (1, Outcome::Hit),
        (1, Outcome::Miss),
        (GROUPS - 1, Outcome::PassedOn),
    ] {
        fixture.store.count(group, outcome).unwrap();
    }
    let counters = fixture.store.counters();
    let counted = counters
        .lookups
        .map(|of| (of.hits, of.misses, of.passed_on));
    assert_eq!(counted, [(1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 1)]);
    assert_eq!((counters.all().hits, counters.all().misses), (2, 2));
    fixture.put("first1", b"content", Sharing::Copy);
    let size = fixture.store.size();
    fixture.store.reset_counters().unwrap();
    assert_eq!(fixture.store.counters(), Counters::default());
    assert_eq!(fixture.store.size(), size);
}

#[test]
fn clear_empties_it() {
    let fixture = fixture(ROOMY);
    fixture.store.clear(&|_| true).unwrap();
    fixture.put("first1", b"content", Sharing::Copy);
    fixture.store.count(0, Outcome::Hit).unwrap();
    fixture.store.clear(&|_| true).unwrap();
    assert!(fixture.store.get("first1").is_none());
    assert_eq!(fixture.store.counters(), Counters::default());
    fixture.put("first1", b"content", Sharing::Copy);
    assert!(fixture.content_of("first1").is_some());
}

/// Eight writers and readers at the limit: restored files are right, and the size never exceeds the limit.
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
                        let number = (round * 31 + worker * 7) % 400;
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
        assert!(hits > 50, "{hits}");
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
    let command = command.args(["--exact", "tests::lock_until_killed"]);
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

/// The store of another machine, into which `exported` is imported.
fn import(exported: &Path, key: &str) -> (Fixture, bool) {
    let other = fixture(ROOMY);
    let work = other.path("work");
    fsio::create_dir_all(&work).unwrap();
    let is_imported = other.store.import(key, exported, &work).unwrap();
    (other, is_imported)
}

#[test]
fn an_entry_is_the_same_on_another_machine() {
    let here = fixture(ROOMY);
    here.put("abcd", b"content", Sharing::Link);
    let file = here.path("exported");
    let entry = here.store.get("abcd").unwrap();
    here.store.export(&entry, &file).unwrap();
    let (there, is_imported) = import(&file, "abcd");
    assert!(is_imported);
    assert_eq!(there.content_of("abcd").unwrap(), b"content");
    let imported = there.store.get("abcd").unwrap();
    assert_eq!(imported.metadata(), entry.metadata());
    // The same entry again is no error.
    fsio::remove_file(&there.path("work/0")).unwrap();
    assert!(
        there
            .store
            .import("abcd", &file, &there.path("work"))
            .unwrap()
    );
}

#[test]
fn a_damaged_or_foreign_export_is_not_imported() {
    let here = fixture(ROOMY);
    here.put("abcd", b"content", Sharing::Copy);
    let file = here.path("exported");
    let entry = here.store.get("abcd").unwrap();
    here.store.export(&entry, &file).unwrap();
    assert!(!import(&file, "abce").1);
    let whole = fsio::read_bytes(&file).unwrap();
    for length in 0..whole.len() {
        fsio::replace(&file, &whole[..length]).unwrap();
        let (there, is_imported) = import(&file, "abcd");
        assert!(!is_imported, "{length}");
        assert!(there.store.get("abcd").is_none());
    }
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fsio::replace(&file, &changed).unwrap();
    assert!(!import(&file, "abcd").1);
}
