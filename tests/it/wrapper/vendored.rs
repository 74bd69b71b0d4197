//! Vendored packages: copies of a registry's packages in the checkout, made by cargo itself.

use indoc::indoc;
use rstest::rstest;

use super::build_scripts::{self, DECLARES_ITSELF, take_runs};
use super::command::said;
use super::out_dir::says_the_same_uncached;
use super::project::{Checkout, Project, copy, succeeds};
use super::registry;

const LOW: &str = indoc! {r"
    pub fn get(of: &[u32]) -> u32 { of[9] }
    pub fn first<T: Clone>(of: &[T]) -> T { of[0].clone() }
    #[inline] pub fn one() -> u32 { None.unwrap() }
"};
const MACRO: &str = indoc! {r"
    extern crate proc_macro;
    #[proc_macro] pub fn answer(_: proc_macro::TokenStream) -> proc_macro::TokenStream { helper::answer().parse().unwrap() }
"};
const HELPER: &str = "pub fn answer() -> String { \"42u32\".to_owned() }\n";
const MIDDLE: &str = indoc! {r"
    pub fn first() -> u32 { lowcrate::first::<u32>(&[]) }
    pub fn one() -> u32 { lowcrate::one() }
"};
const MAIN: &str = indoc! {r#"
    fn main() {
        std::panic::set_hook(Box::new(|what| println!("{}", what.location().unwrap())));
        let all = [|| lowcrate::get(&[]), || lowcrate::first::<u32>(&[]), lowcrate::one, middle::first, middle::one];
        for one in all {
            assert!(std::panic::catch_unwind(one).is_err());
        }
        println!("{}", answers::answer!());
    }
"#};

/// A workspace with vendored dependencies: a library and a macro, which two members use.
fn project() -> Project {
    let project = Project::new().with_store();
    registry::package(&project, "lowcrate", "", &[("src/lib.rs", LOW)]);
    registry::package(&project, "helper", "", &[("src/lib.rs", HELPER)]);
    let is_macro = "[lib]\nproc-macro = true\n[dependencies]\nhelper = \"0.1\"\n";
    registry::package(&project, "answers", is_macro, &[("src/lib.rs", MACRO)]);
    registry::publish(&project, &["lowcrate", "helper", "answers"]);
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("middle", uses, &[("src/lib.rs", MIDDLE)]);
    let uses = format!("{uses}answers = \"0.1\"\nmiddle = {{ path = \"../middle\" }}\n");
    let project = project.package("app", &uses, &[("src/main.rs", MAIN)]);
    vendor(&project.main());
    project.committed()
}

/// Vendors the dependencies, as `cargo vendor` advises.
fn vendor(checkout: &Checkout<'_>) {
    let mut cargo = checkout.command("cargo");
    let command = ["vendor", "--offline", "--quiet", "--respect-source-config"];
    succeeds(cargo.args(command));
    let config = "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\
                  [source.vendored-sources]\ndirectory = \"vendor\"\n";
    checkout.write(".cargo/config.toml", config);
}

#[requires(sccache)]
#[test]
fn vendored_packages_are_shared_with_a_checkout_whose_path_is_as_long() {
    let project = project();
    let main = project.main();
    main.cargo(&["build"]).ok();
    let second = project.linked("next");
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    let low = second.path("vendor/lowcrate/src/lib.rs");
    assert!(said.starts_with(low.to_str().unwrap()), "{said}");
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
}

#[requires(sccache)]
#[test]
fn each_checkout_has_its_own_paths() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    for place in ["a-longer-path", "a/b/c/deep", "s"] {
        let other = project.linked(place);
        other.cargo(&["build"]).ok();
        says_the_same_uncached(&other);
    }
}

#[requires(sccache)]
#[test]
fn the_reason_why_another_checkout_does_not_share_them_is_reported() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let other = project.linked("a-longer-path");
    other.cargo(&["build"]).ok().compiled_some();
    for command in [&["report"][..], &["explain", "lowcrate"]] {
        let text = said(&other, command);
        assert!(text.contains("`home = \"shared\"`"), "{text}");
    }
}

/// Shorter paths are padded.
#[requires(sccache)]
#[test]
fn vendored_packages_are_shared_with_any_checkout_on_request() {
    let project = project();
    let main = project.main().with("SCCFG_WRAPPER_HOME", "shared");
    main.cargo(&["build"]).ok();
    let second = project.linked("a-longer-path");
    let second = second.with("SCCFG_WRAPPER_HOME", "shared");
    second.cargo(&["build"]).ok().all_hit();
    let said = second.says("app");
    let file = said.split(':').next().unwrap();
    let real = std::fs::canonicalize(file).unwrap();
    assert_eq!(real, second.path("vendor/lowcrate/src/lib.rs"));
}

/// As with packages of a registry: whatever programs they run.
#[requires(sccache)]
#[test]
fn runs_of_their_build_scripts_are_kept_in_the_same_checkout() {
    let reads = "String::from_utf8(std::process::Command::new(\"sh\").args([\"-c\", \"cat data.txt\"]).output().unwrap().stdout).unwrap()";
    let script = build_scripts::saying(&format!("{{ {DECLARES_ITSELF} {reads} }}"));
    let project = build_scripts::app(&script);
    let main = project.main();
    vendor(&main);
    main.write("vendor/published/data.txt", "one");
    let project = project.committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 0);
    main.write("vendor/published/data.txt", "two");
    main.clean();
    main.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    assert_eq!(main.says("app"), "two\n");
    let second = project.linked("next");
    second.cargo(&["build"]).ok();
    assert_eq!(take_runs(&project), 1);
    for command in [&["report"][..], &["explain", "published"]] {
        let text = said(&second, command);
        let why = "shared only between checkouts at the same path: the path of its vendored package is in its key";
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(says_the_same_uncached(&second), "one\n");
}

/// The repository around them is that of the user.
#[requires(sccache)]
#[test]
fn build_scripts_that_run_git_run_each_time() {
    let asks = "String::from_utf8(std::process::Command::new(\"git\").args([\"status\", \"--short\"]).output().unwrap().stdout).unwrap()";
    let script = build_scripts::saying(&format!("{{ {DECLARES_ITSELF} {asks} }}"));
    let project = build_scripts::app(&script);
    vendor(&project.main());
    let project = project.committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.write("new.txt", "");
    main.clean();
    main.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&main).contains("new.txt"));
}

/// cargo compares the files of a package with their digests when it compiles the package.
#[rstest]
#[case::another_package(true)]
#[case::an_edited_one(false)]
#[requires(sccache)]
fn what_is_there_now_counts(#[case] has_digests: bool) {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("next");
    second.edit("vendor/helper/src/lib.rs", "42u32", "43u32");
    let digests = second.read("vendor/helper/.cargo-checksum.json");
    let package = digests.split("\"package\":").nth(1).unwrap();
    let files = if has_digests {
        let mut sum = second.command("sha256sum");
        let said = succeeds(sum.arg(second.path("vendor/helper/src/lib.rs"))).stdout;
        let sum = String::from_utf8(said).unwrap();
        let sum = sum.split_whitespace().next().unwrap();
        format!("{{\"src/lib.rs\":\"{sum}\"}}")
    } else {
        "{}".to_owned()
    };
    let edited = format!("{{\"files\":{files},\"package\":{package}");
    second.write("vendor/helper/.cargo-checksum.json", &edited);
    second.cargo(&["build"]).ok();
    assert!(says_the_same_uncached(&second).contains("\n43\n"));
}

/// A member may depend on packages of a registry as well.
#[requires(sccache)]
#[test]
fn packages_of_two_directories() {
    let project = project();
    let main = project.main();
    let config = main.read(".cargo/config.toml");
    let other = "[source.other]\nregistry = \"https://example.com/index\"\nreplace-with = \"more\"\n[source.more]\ndirectory = \"more\"\n";
    let config =
        format!("{config}{other}[registries.other]\nindex = \"https://example.com/index\"\n");
    main.write(".cargo/config.toml", &config);
    main.write(
        "more/second/Cargo.toml",
        &super::project::package("second", ""),
    );
    main.write("more/second/src/lib.rs", LOW);
    main.write(
        "more/second/.cargo-checksum.json",
        "{\"files\":{},\"package\":null}",
    );
    let uses = "[dependencies]\n";
    let both = format!("{uses}second = {{ version = \"0.1\", registry = \"other\" }}\n");
    main.edit("crates/app/Cargo.toml", uses, &both);
    main.edit(
        "crates/app/src/main.rs",
        "[|| ",
        "[|| second::get(&[]), || ",
    );
    project.commit(&main.directory);
    main.cargo(&["build"]).ok();
    for place in ["next", "a-longer-path"] {
        let other = project.linked(place);
        other.cargo(&["build"]).ok();
        says_the_same_uncached(&other);
    }
}

/// Programs and libraries are those of an uncached build at the same path.
#[requires(sccache)]
#[test]
fn a_program_has_the_paths_of_an_uncached_one() {
    let project = project();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("next");
    second.cargo(&["build"]).ok().all_hit();
    let paths = |checkout: &Checkout<'_>| {
        let program = std::fs::read(checkout.path("target/debug/app")).unwrap();
        let text = String::from_utf8_lossy(&program).into_owned();
        let here = checkout.path("vendor");
        let mut found: Vec<String> = text
            .match_indices(here.to_str().unwrap())
            .map(|(at, _)| {
                let is_path = |letter: char| letter.is_ascii_graphic();
                text[at..]
                    .chars()
                    .take_while(|letter| is_path(*letter))
                    .collect()
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let cached = paths(&second);
    assert!(!cached.is_empty());
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(cached, paths(&second));
}

/// The directory of vendored packages is next to the repository.
#[requires(sccache)]
#[test]
fn a_build_script_prints_the_path_of_a_package_outside_of_the_repository() {
    let project = Project::new().with_store();
    let helper = "pub fn here() -> &'static str { file!() }\n";
    registry::package(&project, "helper", "", &[("src/lib.rs", helper)]);
    registry::publish(&project, &["helper"]);
    let script = "fn main() { println!(\"cargo::rustc-env=HERE={}\", helper::here()); }\n";
    let main = "fn main() { println!(\"{}\", env!(\"HERE\")); }\n";
    let files = [("build.rs", script), ("src/main.rs", main)];
    let uses = "[build-dependencies]\nhelper = \"0.1\"\n";
    let project = project.package("app", uses, &files);
    let main = project.main();
    vendor(&main);
    for name in ["vendor", ".cargo"] {
        std::fs::create_dir_all(main.path("../apart")).unwrap();
        std::fs::rename(main.path(name), main.path("../apart").join(name)).unwrap();
    }
    let project = project.committed();
    for place in ["one", "two", "a-longer-path"] {
        let checkout = project.linked(&format!("{place}/repository"));
        copy(&checkout.path("../../apart"), &checkout.path(".."));
        checkout.cargo(&["build"]).ok();
        let said = says_the_same_uncached(&checkout);
        assert!(said.contains(&format!("/{place}/")), "{said}");
    }
}

const PATHS: &str = indoc! {r"
    #[macro_export] macro_rules! path { () => { file!() } }
    pub const fn sum(of: &str) -> u32 {
        let (mut sum, mut at) = (0_u32, 0);
        while at < of.len() { sum = sum.wrapping_mul(33) + of.as_bytes()[at] as u32; at += 1; }
        sum
    }
"};
const CONSTANT: &str =
    "const SUM: u32 = lowpaths::sum(lowpaths::path!()); pub fn sum() -> u32 { SUM }\n";
const GENERIC: &str = indoc! {r"
    fn number<const N: u32>() -> u32 { N }
    pub fn sum() -> u32 { number::<{ lowpaths::sum(file!()) }>() }
"};
const ASKED: &str =
    "const SUM: u32 = lowpaths::sum(answers::here!()); pub fn sum() -> u32 { SUM }\n";
const SPANNED: &str = "pub fn sum() -> u32 { answers::span!() }\n";
const OWN: &str = "pub fn sum() -> u32 { answers::own!() }\n";

/// A macro that expands to `expanded`, an expression of the macro's code. It is named `name`.
fn macro_of(name: &str, expanded: &str) -> String {
    format!(
        "extern crate proc_macro;\n\
         fn sum(of: &str) -> String {{ format!(\"{{}}u32\", of.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(33) + u32::from(byte))) }}\n\
         #[proc_macro] pub fn {name}(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{ let _ = sum; {expanded}.parse().unwrap() }}\n"
    )
}

/// A vendored package computes a value from the path of its source, through a macro of another one.
#[rstest]
#[case::by_rules_in_a_constant(CONSTANT, "unused", "\"1\"", true)]
#[case::in_a_generic_argument(GENERIC, "unused", "\"1\"", true)]
#[case::by_generated_code(ASKED, "here", "\"file!()\"", true)]
#[case::from_a_span(SPANNED, "span", "sum(&proc_macro::Span::call_site().file())", true)]
#[case::from_the_path_of_the_macro(OWN, "own", "sum(file!())", false)]
#[requires(sccache)]
fn a_value_computed_from_a_path_is_that_of_the_checkout(
    #[case] source: &str,
    #[case] name: &str,
    #[case] expanded: &str,
    #[case] may_be_padded: bool,
) {
    let project = Project::new().with_store();
    registry::package(&project, "lowpaths", "", &[("src/lib.rs", PATHS)]);
    let is_macro = "[lib]\nproc-macro = true\n";
    let code = macro_of(name, expanded);
    registry::package(&project, "answers", is_macro, &[("src/lib.rs", &code)]);
    let uses = "[dependencies]\nlowpaths = \"0.1\"\nanswers = \"0.1\"\n";
    registry::package(&project, "middle", uses, &[("src/lib.rs", source)]);
    registry::publish(&project, &["lowpaths", "answers", "middle"]);
    let main = "fn main() { println!(\"{}\", middle::sum()); }\n";
    let uses = "[dependencies]\nmiddle = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", main)]);
    vendor(&project.main());
    let project = project.committed();
    let modes: &[_] = if may_be_padded {
        &["exact", "shared"]
    } else {
        &["exact"]
    };
    for mode in modes {
        for place in ["main", "next", "a-longer-path"] {
            let checkout = match *mode {
                "exact" if place != "main" => project.linked(place),
                _ => project.main().at("..").at(place),
            };
            let checkout = checkout.with("SCCFG_WRAPPER_HOME", mode);
            checkout.clean();
            checkout.cargo(&["build"]).ok();
            says_the_same_uncached(&checkout);
        }
    }
}

/// The source contains the path of the first checkout.
#[rstest]
#[case::of_a_vendored_package(true)]
#[case::of_a_member(false)]
#[requires(sccache)]
fn a_path_in_a_source_is_not_replaced(#[case] is_vendored: bool) {
    let project = Project::new().with_store();
    let named = project.main().path("vendor/some/file");
    let literal = format!("{:?}", named.to_str().unwrap());
    let (low, main) = if is_vendored {
        (&*literal, "\"none\"")
    } else {
        ("\"none\"", &*literal)
    };
    let low = format!("pub fn named() -> &'static str {{ {low} }}\n");
    registry::package(&project, "lowcrate", "", &[("src/lib.rs", &low)]);
    registry::publish(&project, &["lowcrate"]);
    let main = format!("fn main() {{ println!(\"{{}} {{}}\", lowcrate::named(), {main}); }}\n");
    let uses = "[dependencies]\nlowcrate = \"0.1\"\n";
    let project = project.package("app", uses, &[("src/main.rs", &main)]);
    vendor(&project.main());
    let project = project.committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("next");
    second.cargo(&["build"]).ok();
    let said = says_the_same_uncached(&second);
    assert!(said.contains(named.to_str().unwrap()), "{said}");
}
