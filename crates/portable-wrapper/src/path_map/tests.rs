use super::role::{CARGO_HOME_LENGTH, PLACEHOLDER_LENGTH};
use super::*;

#[test]
fn every_placeholder_has_the_common_prefix() {
    for role in [Role::Workspace, Role::Target, Role::CargoHome] {
        assert!(role.placeholder().as_bytes().starts_with(PREFIX));
    }
    for directory in ["/x", "/home/me/.cargo/registry/src"] {
        let mut map = PathMap::default();
        map.add_unmapped(Path::new(directory), Role::CargoHome);
        let all: Vec<_> = map.placeholders().collect();
        assert!(
            all.iter()
                .all(|(_, text, _)| text.as_bytes().starts_with(PREFIX))
        );
    }
}

fn path_map() -> PathMap {
    let mut path_map = PathMap::default();
    path_map
        .add(Path::new("/home/me/w"), Role::Workspace)
        .unwrap();
    path_map
        .add(Path::new("/home/me/w/target/"), Role::Target)
        .unwrap();
    path_map
}

#[test]
fn the_longest_directory_is_replaced_and_restored() {
    let path_map = path_map();
    let text = "/home/me/w/src/lib.rs: /home/me/w/target/debug/x /home/me/w";
    let hidden = path_map.to_placeholders_str(text);
    assert!(!hidden.contains("/home/me"), "{hidden}");
    assert!(hidden.contains(&format!("{}/debug/x", Role::Target.placeholder())));
    assert_eq!(path_map.to_real_str(&hidden), text);
}

proptest::proptest! {
    /// However a text is cut into pieces, also within a path.
    #[test]
    fn a_text_in_pieces_has_the_same_placeholders(
        words in proptest::collection::vec("/home/me/w|/home/me|/h|/|w|[-.a/]|/home/me/w/target", 0..30),
        sizes in proptest::collection::vec(1..9_usize, 1..9),
    ) {
        struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::vec::IntoIter<usize>>);
        impl Read for Pieces<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let size = self.1.next().unwrap_or(1);
                self.0.read(&mut buffer[..size])
            }
        }
        let text = words.concat();
        let mut short = PathMap::default();
        short.add(Path::new("/h"), Role::Workspace).unwrap();
        for path_map in [path_map(), short] {
            let whole = path_map.to_placeholders(text.as_bytes());
            let pieces = Pieces(text.as_bytes(), sizes.clone().into_iter().cycle());
            let digest = path_map.digest_with_placeholders(pieces).unwrap();
            proptest::prop_assert_eq!(digest, super::super::digest::of(&whole));
            // A text may also contain the beginning of a placeholder.
            let cut = [&whole[..], &whole[..whole.len().min(30)], b"/sccfg-", &whole[..]].concat();
            let pieces = Pieces(&cut, sizes.clone().into_iter().cycle());
            let mut copied = Vec::new();
            path_map.copy_with_real_paths(pieces, &mut copied).unwrap();
            proptest::prop_assert_eq!(copied, path_map.to_real_paths(&cut));
        }
    }
}

#[test]
fn parts_of_other_paths_are_not_replaced() {
    let path_map = self::path_map();
    for text in ["/home/me/w2/x", "/home/me/w-old", "x.home/me/w"] {
        assert_eq!(path_map.to_placeholders_str(text), text);
    }
    assert!(
        path_map
            .to_placeholders_str("\u{1b}[0m/home/me/w/x")
            .contains("_/x")
    );
    assert_eq!(
        path_map.find_in(b"lib.rs/home/me/wThe next text"),
        Some(Role::Workspace)
    );
    let mut path_map = PathMap::default();
    path_map.add(Path::new("/src"), Role::Workspace).unwrap();
    assert_eq!(path_map.find_in(b"crates/a/src/lib.rs"), None);
    assert_eq!(path_map.find_in(b"\0/src/lib.rs"), Some(Role::Workspace));
    let path_map = self::path_map();
    for text in [
        "/home/me/w",
        "\"/home/me/w\"",
        "(/home/me/w/a)",
        "file:/home/me/w.",
        "\0/home/me/w\0",
    ] {
        assert_eq!(
            path_map.find_in(text.as_bytes()),
            Some(Role::Workspace),
            "{text}"
        );
    }
}

#[test]
fn a_path_longer_than_its_placeholder_is_refused() {
    let mut path_map = PathMap::default();
    for (role, length) in [
        (Role::Workspace, PLACEHOLDER_LENGTH),
        (Role::CargoHome, CARGO_HOME_LENGTH),
    ] {
        assert_eq!(role.placeholder().len(), length);
        let long = format!("/{}", "x".repeat(length));
        assert_eq!(path_map.add(Path::new(&long), role), None);
    }
    assert_eq!(path_map.add(Path::new("relative"), Role::Workspace), None);
}

#[test]
fn an_unmapped_directory_is_replaced_in_texts_only() {
    let mut path_map = PathMap::default();
    let directory = "/home/me/.cargo/registry/src";
    path_map
        .add_unmapped(Path::new(directory), Role::CargoHome)
        .unwrap();
    let text = format!("{directory}/x.rs");
    let hidden = path_map.to_placeholders_str(&text);
    assert!(!hidden.contains(directory));
    assert_eq!(hidden.len(), text.len());
    assert_eq!(path_map.to_real_str(&hidden), text);
    assert_eq!(path_map.unmapped(), Some(directory));
    assert_eq!(path_map.find_in(text.as_bytes()), None);
    assert_eq!(path_map.remaps(REMAP, |_| true), [""; 0]);
}

#[test]
fn the_path_of_an_unmapped_directory_is_not_that_of_the_directory_above() {
    for workspace in ["/home/me/w", "/src"] {
        let mut path_map = PathMap::default();
        path_map.add(Path::new(workspace), Role::Workspace).unwrap();
        let vendor = format!("{workspace}/vendor");
        path_map.add_vendored(Path::new(&vendor), false).unwrap();
        assert_eq!(path_map.vendored(), Some(&*vendor));
        let found = |text: &str| path_map.find_in(text.as_bytes());
        for below in ["", "/low/src/lib.rs", "\0next"] {
            assert_eq!(found(&format!("x {vendor}{below}")), None, "{below}");
        }
        for other in ["/vendored", "/vendor-2/x", "/src/lib.rs"] {
            let text = format!("{vendor}/x {workspace}{other}");
            assert_eq!(found(&text), Some(Role::Workspace), "{text}");
        }
        let hidden = path_map.to_placeholders_str(&format!("{vendor}/low"));
        assert!(hidden.starts_with("/sccfg-registry/"), "{hidden}");
        let rest = path_map.without_vendored();
        assert_eq!(rest.find_in(vendor.as_bytes()), Some(Role::Workspace));
        assert_eq!(rest.vendored(), None);
    }
}

#[test]
fn the_longest_path_is_the_last_argument() {
    let remaps = path_map().remaps(REMAP, |_| true);
    assert!(remaps[0].starts_with("--remap-path-prefix=/home/me/w=/sccfg-workspace/"));
    assert!(remaps[1].starts_with("--remap-path-prefix=/home/me/w/target=/sccfg-target/"));
}

#[test]
fn a_space_in_dep_info_is_escaped() {
    let mut path_map = PathMap::default();
    path_map.add(Path::new("/a b"), Role::Workspace).unwrap();
    let text = b"/a b/x.d: /a\\ b/x.rs\n\n/a\\ b/x.rs:\n\n# env-dep:X=/a b/c\n";
    let hidden = path_map.to_placeholders_dep_info(text);
    assert_eq!(memmem::find_iter(&hidden, "_/").count(), 4);
    assert_eq!(path_map.to_real_dep_info(&hidden), text);
}

#[test]
fn a_directory_in_json_is_escaped() {
    let mut path_map = PathMap::default();
    path_map
        .add(Path::new("/a \"b\""), Role::Workspace)
        .unwrap();
    assert!(
        path_map
            .in_json()
            .to_placeholders_str(r#"{"x":"/a \"b\"/c"}"#)
            .contains("_/c")
    );
}
