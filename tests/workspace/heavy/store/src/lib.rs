//! A database in memory.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

diesel::table! {
    notes (id) {
        id -> Integer,
        text -> Text,
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = notes)]
pub struct Note {
    pub id: i32,
    pub text: String,
}

pub fn notes() -> QueryResult<Vec<Note>> {
    let mut db = SqliteConnection::establish(":memory:").expect("a database in memory");
    db.batch_execute("create table notes (id integer primary key, text text not null); insert into notes (text) values ('a'), ('b');")?;
    notes::table.select(Note::as_select()).load(&mut db)
}
