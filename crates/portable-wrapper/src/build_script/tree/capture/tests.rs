use super::*;

#[test]
fn a_part_of_a_longer_path_is_not_replaced() {
    let map = |home: &str, target: &str| {
        let mut map = PathMap::default();
        map.add(Path::new(home), Role::CargoHome).unwrap();
        map.add(Path::new(target), Role::Target).unwrap();
        map
    };
    let here = map("/h/me/.cargo", "/w/target");
    let there = map("/h/you/cargo", "/x/y/target");
    let moved = |text: &str| {
        let stored = with_placeholders(text.as_bytes(), &here, &AroundTarget::default())?;
        Some(String::from_utf8(there.to_real_paths(&stored)).unwrap())
    };
    assert_eq!(
        moved("$(TARGETS_/h/me/.cargo/src) = -I/w/target/include").as_deref(),
        Some("$(TARGETS_/h/you/cargo/src) = -I/x/y/target/include")
    );
    for text in ["/usr/h/me/.cargo", "/usr/w/target", "dest/h/me/.cargo"] {
        assert_eq!(moved(text), None, "{text}");
    }
}
