package main

var writers []rule
