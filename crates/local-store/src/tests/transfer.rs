//! Entries that another machine exported.

use super::*;

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
