package main

var scheduler []rule
