package main

var around []rule
