package main

var ordering []rule
