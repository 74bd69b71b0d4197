use super::*;

/// As bindings for several processors have them.
#[test]
fn modules_for_other_targets_are_not_read() {
    let root = "#[cfg(target_arch = \"avr\")] #[path = \"avr/general.rs\"] pub mod general;\n\
        #[cfg(not(target_arch = \"avr\"))] #[path = \"other/general.rs\"] pub mod general;\n\
        #[cfg(windows)] mod windows;";
    let hazard = "pub fn f() { std::env::vars(); }";
    let files = [
        ("src/avr/general.rs", hazard),
        ("src/lib.rs", root),
        ("src/other/general.rs", "pub fn f() {}"),
        ("src/windows.rs", "mod handles; mod other;"),
        ("src/windows/handles.rs", hazard),
    ];
    let found = effects_of(&files, Author::Published).inputs();
    assert!(is_pure(&found), "{found:?}");
    let other = [files[1], ("src/other/general.rs", hazard)];
    let found = effects_of(&other, Author::Published).inputs();
    assert!(found.environment.is_some());
}

/// As in linux-raw-sys, where another feature adds the second module.
#[test]
fn a_module_that_no_feature_adds_is_no_root_of_a_crate() {
    let root = "#[cfg(target_arch = \"avr\")] #[path = \"avr/general.rs\"] pub mod general;\n\
        #[cfg(feature = \"net\")] #[cfg(target_arch = \"avr\")] #[path = \"avr/net.rs\"] pub mod net;\n\
        #[cfg(all(unix, target_pointer_width = \"16\"))] #[path = \"x16/general.rs\"] pub mod general;\n\
        #[cfg(unix)] #[path = \"other/general.rs\"] pub mod general;";
    let hazard = "pub fn f() { std::env::vars(); }";
    let mut files = [
        ("src/avr/general.rs", hazard),
        ("src/avr/net.rs", hazard),
        ("src/lib.rs", root),
        ("src/other/general.rs", "pub fn f() {}"),
        ("src/x16/general.rs", hazard),
    ];
    let found = effects_of(&files, Author::Published).inputs();
    assert!(is_pure(&found), "{found:?}");
    // This may be the root of the crate, which has another `general`.
    files[1].0 = "src/avr/other.rs";
    let found = effects_of(&files, Author::Published).inputs();
    assert!(found.environment.is_some());
}

/// As in `num_threads`.
#[test]
fn the_file_of_a_module_may_depend_on_the_target() {
    let root = "#[cfg_attr(target_os = \"none\", path = \"none.rs\")]\n\
        #[cfg_attr(unix, path = \"unix.rs\")] mod imp;";
    let hazard = "pub fn f() { std::env::vars(); }";
    let is_read = |name: &str| {
        let files = [("src/lib.rs", root), (name, hazard)];
        let found = effects_of(&files, Author::Published).inputs();
        found.environment.is_some()
    };
    assert!(!is_read("src/none.rs"));
    assert!(is_read("src/unix.rs"));
}

/// A file of this name may be that of another module.
#[test]
fn a_module_for_another_target_may_share_its_file() {
    let hazard = "pub fn f() { std::env::vars(); }";
    let is_read = |path: &str, [root, file]: [&str; 2]| {
        for attributes in [
            "#[cfg(target_os = \"none\")] #[path = \"<path>\"]",
            "#[cfg_attr(target_os = \"none\", path = \"<path>\")]",
        ] {
            let attributes = attributes.replace("<path>", path);
            let text = format!("{attributes} mod imp; mod sys; mod mysys;");
            let files = [(root, &*text), (file, hazard)];
            let found = effects_of(&files, Author::Published).inputs();
            assert!(found.environment.is_some(), "{attributes} {file}");
        }
    };
    is_read("sys/mod.rs", ["src/lib.rs", "src/sys/mod.rs"]);
    is_read("sys.rs", ["src/lib.rs", "src/sys.rs"]);
    is_read("sys.rs", ["code/lib.rs", "code/sys.rs"]);
    is_read("sys/mod.rs", ["lib.rs", "sys/mod.rs"]);
    is_read("sys/mod.rs", ["src/lib.rs", "src/mysys/mod.rs"]);
}

#[test]
fn branches_for_other_targets_are_not_read() {
    let hazard = "pub fn f() { std::env::vars(); }";
    let is_read = |branches: &str| {
        let root = format!("cfg_if! {{ {branches} }} pub fn g() {{}}");
        let files = [("src/lib.rs", &*root), ("src/other.rs", hazard)];
        let is_named = branches.contains("other");
        let files = &files[..=usize::from(is_named)];
        let found = effects_of(files, Author::Published).inputs();
        found.environment.is_some()
    };
    for branches in [
        "if #[cfg(windows)] { mod other; }",
        "if #[cfg(windows)] { mod other; } else if #[cfg(unix)] { mod here; } else { mod other; }",
        "if #[cfg(not(windows))] { fn a() {} } else if #[cfg(x)] { fn f() { std::env::vars(); } }",
        "if #[cfg(unix)] { #[cfg(windows)] mod other; }",
        "if #[cfg(unix)] { cfg_if! { if #[cfg(windows)] { mod other; } else { fn f() {} } } }",
    ] {
        assert!(!is_read(branches), "{branches}");
    }
    for branches in [
        "if #[cfg(windows)] {} else { mod other; }",
        "if #[cfg(x)] { mod here; } else { mod other; }",
        "if #[cfg(windows)] { mod other; } else if #[cfg(x)] { mod other; }",
        "if #[cfg(unix)] { mod other; } else { fn f() {} }",
        "if #[cfg(windows)] { fn a() {} } else if #[cfg(x)] { fn f() { std::env::vars(); } }",
        "(x) if #[cfg(windows)] { fn f() { std::env::vars(); } }",
    ] {
        assert!(is_read(branches), "{branches}");
    }
}

/// As in pulldown-cmark, which rustc itself contains.
#[test]
fn attributes_for_the_build_of_rustc_do_not_count() {
    let rustbuild = "#![cfg_attr(rustbuild, feature(staged_api, rustc_private))]\n\
        #![cfg_attr(rustbuild, unstable(feature = \"rustc_private\", issue = \"27812\"))]";
    assert_eq!(library(rustbuild).each_time(), None);
    for other in [
        "#![feature(rustc_private)]",
        "#![cfg_attr(nightly, feature(rustc_private))]",
    ] {
        assert!(library(other).each_time().is_some(), "{other}");
    }
}

/// What is known of a package holds for each system that it may be compiled for.
#[test]
fn code_of_a_package_for_another_system_may_be_compiled() {
    let root = "#[cfg(windows)] mod windows; #[cfg(test)] mod tests;";
    let files = [
        ("src/lib.rs", root),
        ("src/tests.rs", ""),
        ("src/windows.rs", ""),
    ];
    let sources = files.map(|(path, text)| Source {
        path: Path::new(path),
        text: SourceText::Known(text),
        is_code: true,
        is_made: false,
    });
    assert_eq!(inactive_files(&sources), [Path::new("src/tests.rs")]);
    for (condition, is_compiled) in [("windows", true), ("test", false)] {
        let mut found = CompileTimeVariables::default();
        let source = format!("#[cfg({condition})] const P: &str = env!(\"CARGO_MANIFEST_DIR\");");
        found.read(&source, Author::Published);
        assert_eq!(
            found.paths.contains("CARGO_MANIFEST_DIR"),
            is_compiled,
            "{condition}"
        );
    }
}
