//! Libraries with a path from a variable of cargo, such as `env!("CARGO_MANIFEST_DIR")`, which are compiled without optimization:
//! checkouts whose paths differ in length share them, and the programs that are linked with them.

use indoc::indoc;
use rstest::rstest;

use super::differential::said;
use super::environment::PROC_MACRO;
use super::out_dir::says_the_same_uncached;
use super::paths_of_variables::{checkouts, linked, says_its_own_path};
use super::project::{Project, uses};
use super::seed::seed;

/// How a library uses the path.
const HELPER: &str = indoc! {r#"
    use std::path::{Path, PathBuf};
    use std::sync::LazyLock;

    static LAZY: LazyLock<PathBuf> = LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("lazy"));

    pub fn directory() -> &'static str { env!("CARGO_MANIFEST_DIR") }
    pub fn root() -> PathBuf { Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned() }
    pub fn data() -> PathBuf { PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")) }
    pub fn formatted(name: &str) -> String { format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR")) }
    pub fn short(number: u32) -> String { println!("{number}"); format!("{number}") }
    pub fn found(is_there: bool) -> Option<&'static str> { if !is_there { return None } Some(env!("CARGO_MANIFEST_DIR")) }
    pub fn checked() -> Result<&'static str, String> { Ok(concat!(env!("CARGO_MANIFEST_DIR"), "/checked")) }
    pub fn maybe() -> Option<&'static str> { Some(env!("CARGO_MANIFEST_DIR")) }
    pub fn lazy() -> &'static Path { &LAZY }
    pub fn names() -> String { [env!("CARGO_MANIFEST_DIR"), "other"].join(",") }
    pub fn quoted() -> String { format!("{:?} in {}, {:>5}", "a", env!("CARGO_MANIFEST_DIR"), 7) }
    pub fn url() -> &'static str { concat!("file://", env!("CARGO_MANIFEST_DIR"), "/index.html") }
"#};

const APP: &str = indoc! {r#"
    fn main() {
        println!("{} {}", helper::directory(), helper::directory().len());
        println!("{} {}", helper::root().display(), helper::data().display());
        println!("{} {} {}", helper::formatted("a"), helper::lazy().display(), helper::names());
        println!("{} {}", helper::url(), helper::quoted());
        println!("{} {:?} {:?} {:?}", helper::short(5), helper::found(true), helper::checked(), helper::maybe());
    }
"#};

fn project(helper: &str, app: &str) -> Project {
    Project::new()
        .with_store()
        .package("helper", "", &[("src/lib.rs", helper)])
        .package("app", &uses(&["helper"]), &[("src/main.rs", app)])
}

#[requires(sccache)]
#[test]
fn a_library_and_what_uses_it_are_shared() {
    let project = project(HELPER, APP).committed();
    project.main().cargo(&["build"]).ok();
    says_the_same_uncached(&project.main());
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        linked.cargo(&["build"]).ok().nothing_to_do();
        says_its_own_path(&linked);
    }
}

/// Without the wrapper, cargo links the library as it was delivered.
#[requires(sccache)]
#[test]
fn a_link_without_the_wrapper_is_right() {
    let project = project(HELPER, APP).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        linked.cargo(&["build"]).ok().all_hit();
        linked.append("crates/app/src/main.rs", "// edited\n");
        let plain = linked.with("SCCFG_WRAPPER", "off");
        plain.cargo(&["build"]).ok().rebuilt("app");
        says_its_own_path(&linked);
    }
}

/// The edited program of one worktree, which was linked with the delivered library, is that of another.
#[requires(sccache)]
#[test]
fn a_program_that_is_linked_later_is_shared() {
    let project = project(HELPER, APP).committed();
    project.main().cargo(&["build"]).ok();
    let mut others = linked(&project);
    let first = others.next().unwrap();
    first.cargo(&["build"]).ok().all_hit();
    first.append("crates/app/src/main.rs", "// edited\n");
    first.cargo(&["build"]).ok().rebuilt("app");
    says_the_same_uncached(&first);
    for other in others {
        other.append("crates/app/src/main.rs", "// edited\n");
        other.cargo(&["build"]).ok().all_hit();
        says_its_own_path(&other);
    }
}

/// What crates above may evaluate, or compile into their own code.
#[rstest]
#[requires(sccache)]
#[case::in_a_constant("pub const D: &str = env!(\"CARGO_MANIFEST_DIR\");", "helper::D.len()")]
#[case::in_a_constant_of_a_constant(
    "pub const D: &str = env!(\"CARGO_MANIFEST_DIR\");",
    "{ const N: usize = helper::D.len(); N }"
)]
#[case::in_a_static(
    "pub static D: &str = env!(\"CARGO_MANIFEST_DIR\");",
    "helper::D.len()"
)]
#[case::in_a_const_fn(
    "pub const fn d() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }",
    "{ const N: usize = helper::d().len(); N }"
)]
#[case::in_an_inlined_function(
    "#[inline(always)] pub fn d() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }",
    "helper::d().len()"
)]
#[case::in_a_generic_function(
    "pub fn d<T>(_: T) -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }",
    "helper::d(1).len()"
)]
#[case::in_an_associated_constant(
    "pub struct S; impl S { pub const D: &'static str = env!(\"CARGO_MANIFEST_DIR\"); }",
    "{ const N: usize = helper::S::D.len(); N }"
)]
#[case::in_a_private_constant(
    "const D: &str = env!(\"CARGO_MANIFEST_DIR\"); pub fn d() -> &'static str { D }",
    "helper::d()"
)]
#[case::its_length(
    "const N: usize = env!(\"CARGO_MANIFEST_DIR\").len(); pub fn d() -> usize { N }",
    "helper::d()"
)]
#[case::its_length_as_a_type(
    "pub fn d() -> [u8; env!(\"CARGO_MANIFEST_DIR\").len()] { [1; env!(\"CARGO_MANIFEST_DIR\").len()] }",
    "helper::d().len()"
)]
#[case::in_a_macro(
    "#[macro_export] macro_rules! d { () => { env!(\"CARGO_MANIFEST_DIR\") } }",
    "helper::d!().len()"
)]
#[case::twice_in_a_text(
    "pub fn d() -> &'static str { concat!(env!(\"CARGO_MANIFEST_DIR\"), env!(\"CARGO_MANIFEST_DIR\")) }",
    "helper::d()"
)]
#[case::in_documentation(
    "#[doc = env!(\"CARGO_MANIFEST_DIR\")] pub fn d() -> usize { 1 }",
    "helper::d()"
)]
fn what_is_above_a_library_is_right(#[case] helper: &str, #[case] said: &str) {
    let app = format!("fn main() {{ println!(\"{{}}\", {said}); }}\n");
    let project = project(&format!("{helper}\n"), &app).committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
        checkout.append("crates/helper/src/lib.rs", "// edited\n");
        checkout.cargo(&["build"]).ok().rebuilt("helper");
        says_the_same_uncached(&checkout);
    }
}

/// The program may be optimised where the library is not, and the other way round.
#[rstest]
#[requires(sccache)]
#[case::of_the_program("app")]
#[case::of_the_library("helper")]
fn optimization_of_one_is_right(#[case] package: &str) {
    let project = project(HELPER, APP).committed();
    let option = format!("profile.dev.package.{package}.opt-level=2");
    for checkout in checkouts(&project) {
        checkout.cargo(&["build", "--config", &option]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// A macro, a build script and a library for other languages contain the library as well.
#[requires(sccache)]
#[test]
fn all_that_is_linked_with_a_library_is_right() {
    let mac = "#[proc_macro] pub fn said(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!(\"{:?}\", helper::formatted(\"m\")).parse().unwrap() }\n";
    let script =
        "fn main() { println!(\"cargo::rustc-env=SAID={}\", helper::formatted(\"s\")); }\n";
    let app =
        "fn main() { println!(\"{} {} {}\", mac::said!(), env!(\"SAID\"), helper::url()); }\n";
    let manifest = format!(
        "{}\n[build-dependencies]\nhelper = {{ path = \"../helper\" }}\n",
        uses(&["helper", "mac"])
    );
    let native =
        "#[unsafe(no_mangle)] pub extern \"C\" fn said() -> usize { helper::url().len() }\n";
    let native_manifest = format!(
        "[lib]\ncrate-type = [\"cdylib\", \"staticlib\"]\n{}",
        uses(&["helper"])
    );
    let project = Project::new()
        .with_store()
        .package("helper", "", &[("src/lib.rs", HELPER)])
        .package(
            "mac",
            &format!("{PROC_MACRO}{}", uses(&["helper"])),
            &[("src/lib.rs", mac)],
        )
        .package("native", &native_manifest, &[("src/lib.rs", native)])
        .package(
            "app",
            &manifest,
            &[("src/main.rs", app), ("build.rs", script)],
        )
        .committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build", "--workspace"]).ok();
        let said = says_the_same_uncached(&checkout);
        assert_eq!(said.matches(checkout.text()).count(), 3, "{said}");
    }
}

/// The program has a number that may be the length of the path, so that it is linked with the libraries of its checkout.
#[requires(sccache)]
#[test]
fn a_program_in_which_a_length_is_unknown_is_right() {
    let length = 0x3653 + "/crates/helper".len();
    let app = format!(
        "fn main() {{ let number: usize = {length}; println!(\"{{}} {{}} {{number}}\", helper::directory(), helper::formatted(\"a\")); }}\n"
    );
    let project = project(HELPER, &app).committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        for _ in 0..3 {
            checkout.append("crates/app/src/main.rs", "// edited\n");
            checkout.cargo(&["build"]).ok().rebuilt("app");
            let said = checkout.says("app");
            assert!(
                said.starts_with(checkout.text()) && !said.contains('\0'),
                "{said}"
            );
        }
        says_the_same_uncached(&checkout);
    }
}

/// LLVM inlines such a function without optimization as well, and evaluates the length.
#[rstest]
#[requires(sccache)]
#[case::a_function("dep::write(env!(\"CARGO_MANIFEST_DIR\"))")]
#[case::a_conversion("dep::Id::from(env!(\"CARGO_MANIFEST_DIR\")).0")]
#[case::a_type("{ use dep::Path; Path::new(env!(\"CARGO_MANIFEST_DIR\")).0 }")]
#[case::an_import("{ use dep::write; write(env!(\"CARGO_MANIFEST_DIR\")) }")]
fn what_a_dependency_computes_is_right(#[case] computed: &str) {
    let dep = indoc! {r"
        #[inline(always)] pub fn write(text: &str) -> usize { unsafe { &*(text as *const str as *const [u8]) }.len() + 1 }
        pub struct Id(pub usize);
        impl From<&str> for Id { #[inline(always)] fn from(text: &str) -> Self { Self(write(text)) } }
        pub struct Path(pub usize);
        impl Path { #[inline(always)] pub fn new(text: &str) -> Self { Self(write(text)) } }
    "};
    let helper = format!("pub fn computed() -> usize {{ {computed} }}\n");
    let app = format!("fn main() {{ println!(\"{{}} {{}}\", helper::computed(), {computed}); }}\n");
    let project = Project::new()
        .with_store()
        .package("dep", "", &[("src/lib.rs", dep)])
        .package("helper", &uses(&["dep"]), &[("src/lib.rs", &helper)])
        .package("app", &uses(&["dep", "helper"]), &[("src/main.rs", &app)])
        .committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

/// What a build script or a macro computes from the path at run time is in what it makes.
#[requires(sccache)]
#[test]
fn what_runs_during_the_build_is_not_shared() {
    let mac = "#[proc_macro] pub fn length(_: proc_macro::TokenStream) -> proc_macro::TokenStream { format!(\"{}usize\", helper::directory().len()).parse().unwrap() }\n";
    let low = "pub fn length() -> usize { mac::length!() }\n";
    let script = "fn main() { println!(\"cargo::rustc-env=LENGTH={}\", helper::directory().len()); std::fs::write(format!(\"{}/g.rs\", std::env::var(\"OUT_DIR\").unwrap()), format!(\"const N: usize = {};\", helper::directory().len())).unwrap(); }\n";
    let app = "include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\nfn main() { println!(\"{} {} {} {N}\", mac::length!(), low::length(), env!(\"LENGTH\")); }\n";
    let manifest = format!(
        "{}\n[build-dependencies]\nhelper = {{ path = \"../helper\" }}\n",
        uses(&["mac", "low"])
    );
    let project = Project::new()
        .with_store()
        .package("helper", "", &[("src/lib.rs", HELPER)])
        .package(
            "mac",
            &format!("{PROC_MACRO}{}", uses(&["helper"])),
            &[("src/lib.rs", mac)],
        )
        .package("low", &uses(&["mac"]), &[("src/lib.rs", low)])
        .package(
            "app",
            &manifest,
            &[("src/main.rs", app), ("build.rs", script)],
        )
        .committed();
    for checkout in checkouts(&project) {
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
    }
}

#[requires(sccache)]
#[test]
fn a_seeded_worktree_has_its_own_path() {
    let project = project(HELPER, APP).committed();
    project.main().cargo(&["build"]).ok();
    for linked in linked(&project) {
        seed(&linked);
        linked.cargo(&["build"]).ok().nothing_to_do();
        assert!(linked.says("app").contains(linked.text()));
        linked.append("crates/app/src/main.rs", "// edited\n");
        linked.cargo(&["build"]).ok().rebuilt("app");
        says_its_own_path(&linked);
    }
}

#[requires(sccache)]
#[test]
fn a_comparison_finds_no_difference() {
    let project = project(HELPER, APP).committed();
    project.main().cargo(&["build"]).ok();
    let linked = project.linked("second");
    let verify = linked.with("SCCFG_WRAPPER", "verify");
    let built = verify.cargo(&["build"]).ok();
    assert!(said(&built).is_empty(), "{:?}", built.ran);
    says_the_same_uncached(&linked);
}

#[rstest]
#[requires(sccache)]
#[case::without_debug_information("-Cdebuginfo=0")]
#[case::that_abort("-Cpanic=abort")]
#[case::with_one_codegen_unit("-Ccodegen-units=1")]
#[case::for_this_processor("-Ctarget-cpu=native")]
fn libraries_with_other_options_are_shared(#[case] flag: &str) {
    let project = project(HELPER, APP).committed();
    let main = project.main().with("RUSTFLAGS", flag);
    main.cargo(&["build"]).ok();
    for linked in linked(&project) {
        let linked = linked.with("RUSTFLAGS", flag);
        linked.cargo(&["build"]).ok().all_hit();
        says_its_own_path(&linked);
    }
}

#[requires(sccache)]
#[test]
fn checks_are_shared() {
    let project = project(HELPER, APP)
        .file("crates/app/tests/all.rs", "#[test] fn all() { println!(\"{} {}\", env!(\"CARGO_BIN_EXE_app\"), helper::url()); }\n")
        .committed();
    let check = ["check", "--all-targets"];
    project.main().cargo(&check).ok();
    for linked in linked(&project) {
        linked.cargo(&check).ok().all_hit();
        linked.cargo(&check).ok().nothing_to_do();
        linked.cargo(&["build"]).ok();
        says_the_same_uncached(&linked);
    }
}

/// What the compiler evaluates is in its messages.
#[rstest]
#[requires(sccache)]
#[case::in_a_program("app", "src/main.rs")]
#[case::in_a_library("helper", "src/lib.rs")]
fn a_check_fails_where_an_assertion_does(#[case] package: &str, #[case] file: &str) {
    let assertion = "const _: () = assert!(env!(\"CARGO_MANIFEST_DIR\").len() < 55);\n";
    let project = project(HELPER, APP).committed();
    let file = format!("crates/{package}/{file}");
    let mut failed = 0;
    for checkout in checkouts(&project) {
        checkout.append(&file, assertion);
        if checkout.text().len() < 40 {
            checkout.cargo(&["check"]).ok();
        } else {
            checkout.cargo(&["check"]).fails().stderr_has("E0080");
            failed += 1;
        }
    }
    assert_eq!(failed, 1);
}

/// clippy finds its configuration by a variable with the path.
#[requires(sccache)]
#[test]
fn clippy_reads_its_configuration() {
    let project = project(HELPER, "fn main() { let unwanted = helper::url(); println!(\"{unwanted} {}\", env!(\"CARGO_MANIFEST_DIR\")); }\n")
        .file("clippy.toml", "disallowed-names = [\"unwanted\"]\n")
        .committed();
    let lint = ["clippy", "--all-targets"];
    project.main().cargo(&lint).ok().stderr_has("disallowed");
    for linked in linked(&project) {
        linked.cargo(&lint).ok().all_hit().stderr_has("disallowed");
        linked.write("clippy.toml", "disallowed-names = []\n");
        let built = linked.cargo(&lint).ok();
        built.never_says("disallowed").never_says("sccfg-workspace");
    }
}
