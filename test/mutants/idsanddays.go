package main

var idsAndDays []rule
