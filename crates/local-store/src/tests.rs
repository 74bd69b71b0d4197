mod concurrency;
mod transfer;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sccfg_util::fsio;

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

/// If each round evicted what was used longest ago, every entry would be gone before the next round needs it. Of these, 32 are small.
#[test]
fn rounds_that_are_larger_than_the_store_find_the_small_entries() {
    let fixture = fixture(8 << 20);
    let mut found = 0;
    for round in 0..3 {
        for number in 0..40 {
            let key = format!("key{number:02}");
            let size = if number % 5 == 4 { 1 << 20 } else { 64 << 10 };
            if fixture.content_of(&key).is_some() {
                found += usize::from(round == 2);
            } else {
                fixture.put(&key, &vec![number; size], Sharing::Copy);
            }
        }
    }
    assert!(found >= 32, "{found}");
}

#[test]
fn what_was_not_used_for_hours_is_evicted_before_larger_entries() {
    let fixture = fixture(8 << 20);
    for (number, hours) in [(1, 30), (2, 5), (3, 0)] {
        let key = format!("small{number}");
        fixture.put(&key, &[number; 1000], Sharing::Copy);
        let path = fixture.store.entry_path(&key).unwrap();
        let used = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
        share::set_modified(&path, used).unwrap();
    }
    let mut number = 10;
    while fixture.store.entry_path("small2").unwrap().exists() {
        fixture.put(
            &format!("large{number}"),
            &vec![number; 1 << 20],
            Sharing::Copy,
        );
        number += 1;
        assert!(number < 40);
    }
    assert!(fixture.content_of("small1").is_none());
    assert!(fixture.content_of("small3").is_some());
}

/// The clock was ahead for a while: what was used then must not outlive everything that is used afterwards.
#[test]
fn what_was_used_in_the_future_is_evicted_first() {
    let fixture = fixture(8 << 20);
    let content = |number: u8| vec![number; 256 << 10];
    for number in 0..20 {
        let key = format!("old{number:02}");
        fixture.put(&key, &content(number), Sharing::Copy);
        let path = fixture.store.entry_path(&key).unwrap();
        let years = Duration::from_secs((10 + u64::from(number)) * 365 * 24 * 60 * 60);
        share::set_modified(&path, SystemTime::now() + years).unwrap();
    }
    for number in 20..35 {
        fixture.put(&format!("new{number}"), &content(number), Sharing::Copy);
        assert!(fixture.content_of("new20").is_some(), "{number}");
    }
    assert!(fixture.store.get("old00").is_none());
}

#[test]
fn an_entry_that_replaces_a_smaller_one_counts_with_its_size() {
    let fixture = fixture(ROOMY);
    for size in [10, 100 << 10, 1 << 20, 10] {
        fixture.store.put("first1", &vec![1; size], &[]).unwrap();
        let real = fixture.store.scan().size();
        assert!(fixture.store.size().unwrap() >= real, "{size}");
    }
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
