//! Names of generated source files, which panics and `Location::caller()` report.

use indoc::indoc;

use super::out_dir::{made_by, says_the_same_uncached};

/// Constants that look like the entries of a table of names, at all distances, are none unless code refers to the table.
#[requires(sccache)]
#[test]
fn constants_that_look_like_offsets_to_names_are_none() {
    let script = "for name in [\"g\", \"h\"] { fs::write(format!(\"{out}/{name}.rs\"), format!(\"pub fn {name}(numbers: &[u64], nth: usize) -> u64 {{ numbers[nth + 100] }}\")).unwrap(); }";
    let main = indoc! {r#"
        include!(concat!(env!("OUT_DIR"), "/g.rs"));
        mod h { include!(concat!(env!("OUT_DIR"), "/h.rs")); }
        /// Above and below, for each alignment of a name.
        const fn offsets(forward: i32) -> [[i32; 400]; 4] {
            let mut all = [[0; 400]; 4];
            let mut align = 0;
            while align < 4 {
                let mut nth = 0;
                while nth < 400 {
                    all[align][nth] = (forward * 512 - 4) * nth as i32 + align as i32;
                    nth += 1;
                }
                align += 1;
            }
            all
        }
        #[used]
        static ABOVE: [[i32; 400]; 4] = offsets(1);
        #[used]
        static BELOW: [[i32; 400]; 4] = offsets(-1);
        fn main() {
            std::panic::set_hook(Box::new(|info| println!("{}", info.location().unwrap())));
            let numbers: Vec<u64> = std::env::args().map(|_| 7).collect();
            println!("{:?}", std::panic::catch_unwind(|| g(&numbers, 0)).is_ok());
            println!("{:?}", std::panic::catch_unwind(|| h::h(&numbers, 0)).is_ok());
        }
    "#};
    let project = made_by(script, main).committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("as/deep/as/can/be");
    second.cargo(&["build"]).ok().all_hit();
    let said = says_the_same_uncached(&second);
    let inside = format!("{}/target", second.text());
    assert_eq!(said.matches(&inside).count(), 2, "{said}");
}
