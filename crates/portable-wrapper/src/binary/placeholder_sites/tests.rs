use object::elf;
use rstest::rstest;

use super::super::super::digest;
use super::*;

/// A path map for a workspace at `directory`.
fn map(directory: &str) -> PathMap {
    let mut map = PathMap::default();
    map.add(Path::new(directory), Role::Workspace).unwrap();
    map
}

#[test]
fn the_digest_of_a_delivered_file_is_that_of_the_stored_one() {
    let placeholder = Role::Workspace.placeholder();
    let stored = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
    let site = |offset, kind| PlaceholderSite {
        offset,
        role: Role::Workspace,
        kind,
    };
    let second = 2 + placeholder.len() as u64 + 2;
    let sites = [site(2, Kind::End), site(second, Kind::Middle)];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fsio::replace(&path, &stored).unwrap();
    write(&path, &sites, &map("/w")).unwrap();
    let written = fsio::read_bytes(&path).unwrap();
    assert!(written.starts_with(b"a\0/w\0\0"));
    assert_eq!(written.len(), stored.len());
    let slashes = "/".repeat(placeholder.len() - 2);
    assert!(written.ends_with(format!("\0b/w{slashes}/src/x.rs\0").as_bytes()));
    assert_eq!(
        digest_with(&path, &sites, &map("/w")),
        Some(digest::of(&stored))
    );
    fsio::replace(&path, &[&written, &b"more"[..]].concat()).unwrap();
    assert_ne!(
        digest_with(&path, &sites, &map("/w")),
        Some(digest::of(&stored))
    );
    assert_eq!(digest_with(&path, &sites, &map("/x")), None);
    // The file was truncated.
    fsio::replace(&path, &written[..4]).unwrap();
    assert_eq!(digest_with(&path, &sites, &map("/w")), None);
}

#[test]
fn a_name_keeps_its_rest_when_it_is_written_again() {
    let placeholder = Role::Workspace.placeholder();
    let length = (placeholder.len() + "/out/g.rs".len()) as u64;
    let mut stored = format!("{placeholder}/out/g.rs").into_bytes();
    stored.extend(length.to_le_bytes());
    let site = |offset, kind| PlaceholderSite {
        offset,
        role: Role::Workspace,
        kind,
    };
    let sites = [site(0, Kind::Name(9)), site(length, Kind::Length(length))];
    let directory = tempfile::tempdir().unwrap();
    let [moved, direct] = ["moved", "direct"].map(|name| directory.path().join(name));
    fsio::replace(&moved, &stored).unwrap();
    write(&moved, &sites, &map("/w")).unwrap();
    for (from, to) in [("/w", "/longer"), ("/longer", "/v")] {
        rewrite(&moved, &sites, &map(from), &map(to)).unwrap();
        fsio::replace(&direct, &stored).unwrap();
        write(&direct, &sites, &map(to)).unwrap();
        assert_eq!(fsio::read_bytes(&moved), fsio::read_bytes(&direct), "{to}");
    }
}

/// The value of a variable in a template: the length before it, what follows it, and the flags of the section.
#[test]
fn a_template_gets_another_length() {
    let placeholder = Role::Workspace.placeholder_in_value();
    let length = placeholder.len() as u64 + 6;
    let flags = elf::SHF_ALLOC.0 | elf::SHF_MERGE.0 | elf::SHF_STRINGS.0;
    let template = |length: usize, path: &str, flags: u64| {
        let length = u16::try_from(length).unwrap().to_le_bytes();
        let text = [b"\x80", &length[..], path.as_bytes(), b"/tests\xc0\0"].concat();
        let padding = vec![0; 3 + placeholder.len() + 8 - text.len()];
        [text, padding, flags.to_le_bytes().to_vec()].concat()
    };
    let whole = usize::try_from(length).unwrap();
    let stored = template(whole, placeholder, flags);
    let site = |offset, kind| PlaceholderSite {
        offset,
        role: Role::Workspace,
        kind,
    };
    let sites = [
        site(1, Kind::ValueLength(length, Width::Half)),
        site(3, Kind::Value(8)),
        site(stored.len() as u64 - 8, Kind::SectionFlags(flags)),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fsio::replace(&path, &stored).unwrap();
    write(&path, &sites, &map("/w")).unwrap();
    let alone = elf::SHF_ALLOC.0;
    assert_eq!(
        fsio::read_bytes(&path),
        Some(template("/w/tests".len(), "/w", alone))
    );
    assert_eq!(
        digest_with(&path, &sites, &map("/w")),
        Some(digest::of(&stored))
    );
    rewrite(&path, &sites, &map("/w"), &PathMap::default()).unwrap();
    assert_eq!(fsio::read_bytes(&path), Some(stored));
}

#[test]
fn sites_that_contradict_each_other_are_not_known() {
    let site = |role, kind| PlaceholderSite {
        offset: 1,
        role,
        kind,
    };
    let [one, other] = [Role::Workspace, Role::Target].map(|role| site(role, Kind::Length(200)));
    assert_eq!(ordered(vec![one, one]), Some(vec![one]));
    assert_eq!(ordered(vec![one, other]), None);
    let flags = [Role::Workspace, Role::Target].map(|role| site(role, Kind::SectionFlags(0x32)));
    assert_eq!(ordered(flags.to_vec()), Some(flags[..1].to_vec()));
}

/// The list stays a list, whatever the lengths of the paths: each directory but the last, which fills it up, ends where it ended.
#[rstest]
#[case::shorter(&["/w", "/home/me/.cargo/registry/src"])]
#[case::of_another_length(&["/some/where/deeper", "/r"])]
#[case::as_long_as_the_placeholders(&["{workspace}", "{home}"])]
#[case::shorter_by_one(&["{workspace}", "{home-1}"])]
fn a_list_of_directories_has_the_same_directories(#[case] paths: &[&str]) {
    let (workspace, home) = (Role::Workspace.placeholder(), Role::CargoHome.placeholder());
    let long = |placeholder: &str| format!("/{}", "x".repeat(placeholder.len() - 1));
    let path = |text: &str| match text {
        "{workspace}" => long(workspace),
        "{home}" => long(home),
        "{home-1}" => long(home)[1..].replacen('x', "/", 1),
        path => path.to_owned(),
    };
    let map = |paths: [String; 2]| {
        let mut map = map(&paths[0]);
        map.add(Path::new(&paths[1]), Role::CargoHome).unwrap();
        map
    };
    let to = [path(paths[0]), path(paths[1])];
    let list = |workspace: &str, home: &str| {
        format!("{workspace}/out\0src\0{home}/index/a-1.0.0/src\0{workspace}\0")
    };
    let stored = format!("before\0{}\0after\0", list(workspace, home));
    let mut sites = Vec::new();
    for (role, placeholder) in [(Role::Workspace, &workspace), (Role::CargoHome, &home)] {
        sites.extend(
            memmem::find_iter(stored.as_bytes(), placeholder).map(|at| PlaceholderSite {
                offset: at as u64,
                role,
                kind: Kind::Middle,
            }),
        );
    }
    sites.sort_unstable_by_key(|site| site.offset);
    let ends = [sites[1].offset, sites[2].offset, stored.len() as u64 - 7];
    for (site, end) in sites.iter_mut().zip(ends) {
        let rest = end - site.offset - site.role.placeholder().len() as u64;
        site.kind = Kind::Directory(rest);
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fsio::replace(&file, stored.as_bytes()).unwrap();
    let first = map(["/first".to_owned(), "/home/first/registry".to_owned()]);
    let second = map(to.clone());
    write(&file, &sites, &first).unwrap();
    rewrite(&file, &sites, &first, &second).unwrap();
    let written = String::from_utf8(fsio::read_bytes(&file).unwrap()).unwrap();
    assert_eq!(written.len(), stored.len());
    let names: Vec<_> = written
        .split('\0')
        .map(|name| name.replace("//", "/"))
        .collect();
    let wanted = list(&to[0], &to[1]);
    let wanted: Vec<_> = wanted.trim_end_matches('\0').split('\0').collect();
    assert_eq!(names[1..5], wanted);
    assert_eq!(names[names.len() - 3..], ["", "after", ""]);
    assert!(
        names[1..names.len() - 3]
            .iter()
            .all(|name| !name.is_empty())
    );
    let digest = digest_with(&file, &sites, &second);
    assert_eq!(digest, Some(digest::of(stored.as_bytes())));
}
