//! Includes a generated table as a module.

pub mod table {
    include!(concat!(env!("OUT_DIR"), "/table.rs"));
    pub const FILE_OF_THE_TABLE: &str = "table.rs";
}

pub fn total() -> u32 {
    table::TABLE.iter().map(|(_, number)| number).sum::<u32>() + made::GENERATED.len() as u32
}
