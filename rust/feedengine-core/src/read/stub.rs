use super::*;
use std::path::Path; use std::sync::Arc; use crate::fault::*; use crate::record::*;
pub type Tables = Vec<Arc<FieldTable>>;
pub struct Feed; 
pub enum Next { Section(Section), Block, SectionEnd(SectionEnd), End(FileInfo) }
pub struct Section { pub number:u32, pub member:String, pub entity:usize, pub layout:Arc<Layout>, pub warnings:Vec<Fault> }
pub struct SectionEnd { pub number:u32, pub records:u64, pub lines:u64, pub bytes:u64, pub final_newline: bool }
pub struct FileInfo { pub bytes:u64, pub fingerprint:u128, pub container:String, pub warnings:Vec<Fault> }
pub struct Scratch;
pub struct Layout;
pub struct HeaderColumn { pub name: String, pub field: Option<FieldId> }
impl Scratch { pub fn new()->Self{Scratch} }
impl Feed { pub fn open(_:&Path,_:ReadOptions,_:Tables)->Result<Feed,Fault>{todo!()} pub fn next(&mut self,_:&mut Block)->Result<Next,Fault>{todo!()} pub fn progress(&self)->(u64,u64){(0,0)} }
impl Layout { pub fn fingerprint(&self)->u64{0} pub fn split(&self,_:&Block,_:&mut Vec<Span>){} pub fn key<'a>(&self,_:&'a [u8])->Option<&'a [u8]>{None}
pub fn parse(&self,_:&[u8],_:&mut Scratch,_:&mut Record,_:&mut Vec<Issue>){} pub fn columns(&self)->Option<&[HeaderColumn]>{None}
pub fn position(&self,_:&str,_:&Block,_:&Span)->Position{Position::default()} }
