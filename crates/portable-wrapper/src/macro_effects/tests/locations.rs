//! Which uses of the name `file` ask for the path of a source.

use sccfg_util::{fsio, proc};

use super::*;

#[test]
fn an_item_of_a_module_does_not_ask_for_the_source() {
    let keyword = "mod kw { syn::custom_keyword!(file); } fn f() { input.parse::<kw::file>() }";
    let published = effects_of(&[("src/lib.rs", keyword)], Author::Published);
    assert!(!published.inputs().asks_for_source);
    for source in [
        "fn f() { g(kw::file) }",
        "mod kw {} use std::panic::Location as kw; fn f() { g(kw::file) }",
        "mod kw {} mod a { type kw = Span; fn f() { g(kw::file) } }",
        "mod kw {} macro_rules! m { ($kw:ident) => { g($kw::file) } }",
        "mod kw {} fn f() { kw.file() }",
        "mod kw { pub fn file(s: Span) -> String { s.file() } } fn f() { g(kw::file(s)) }",
        "fn file(s: Span) -> String { s.file() } fn f() { file(s) }",
        "mod kw {} fn f() { let kw = a(); generate! { #kw::file() } }",
    ] {
        assert!(effects(source).asks_for_source, "{source}");
    }
}

/// As in `proc-macro2`: a function with the same name as the method that calls it.
#[test]
fn a_function_with_the_name_of_a_method_asks_for_the_source_in_other_crates() {
    let source = "mod probe { pub fn file(this: &Span) -> String { this.file() } } struct S; \
        impl S { pub fn file(&self) -> String { match self { S(s) => probe::file(s) } } }\n";
    let asks = |name: &str, author| {
        let found = effects_of_crate(name, &[("src/lib.rs", source)], author);
        found.inputs().asks_for_source
    };
    assert!(!asks("proc-macro2", Author::Published));
    assert!(asks("proc-macro2", Author::Other));
    assert!(asks("it", Author::Published));
    for more in [
        "#[proc_macro] pub fn file(_: TokenStream) -> TokenStream { a(Span::call_site().file()) }",
        "fn file(s: Span) -> String { s.file() } fn f() { all.map(|s| file(s)) }",
        "fn file(s: &self::Span) -> String { s.file() } fn f() { file(s) }",
        "fn local_file(s: Span) -> PathBuf { s.local_file() } #[with = \"local_file\"] fn f() {}",
    ] {
        assert!(effects(more).asks_for_source, "{more}");
    }
}

/// Nearly all macros use it.
#[test]
fn proc_macro2_does_not_ask_for_the_source() {
    // Packages for other systems may not be downloaded.
    let system = if cfg!(target_os = "macos") {
        "apple-darwin"
    } else {
        "unknown-linux-gnu"
    };
    let target = format!("{}-{system}", std::env::consts::ARCH);
    let args = [
        "metadata",
        "--offline",
        "--format-version=1",
        "--filter-platform",
        &target,
    ];
    let output = proc::output(env!("CARGO"), &args, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "proc-macro2");
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    let sources = Path::new(manifest).with_file_name("src");
    let mut read = Vec::new();
    for directory in [sources.clone(), sources.join("probe")] {
        for name in fsio::names_in(&directory) {
            let path = directory.join(name);
            if let Some(text) = fsio::read_text(&path) {
                let relative = path.strip_prefix(sources.parent().unwrap()).unwrap();
                read.push((relative.to_str().unwrap().to_owned(), text));
            }
        }
    }
    let read: Vec<_> = read.iter().map(|(path, text)| (&**path, &**text)).collect();
    assert!(read.len() > 10, "{read:?}");
    let found = effects_of_crate("proc-macro2", &read, Author::Published);
    assert!(!found.inputs().asks_for_source);
}
