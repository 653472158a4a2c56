package main

var isolation []rule
