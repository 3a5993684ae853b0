// Makes the golden answers of java.util.regex and java.text.SimpleDateFormat for connect-java.
//
//   tests/java/run JavaSemanticsGolden regex > runtime/java/tests/golden/regex.tsv
//   tests/java/run JavaSemanticsGolden dates > runtime/java/tests/golden/dates.tsv
//   tests/java/run JavaSemanticsGolden zones > runtime/java/src/date_format/zone_names.tsv
//
// Run it on Java 17: from Java 23 on the short names of zones come from another source.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.text.DateFormatSymbols;
import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

public class JavaSemanticsGolden {
  static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  public static void main(String[] args) {
    TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
    switch (args.length == 1 ? args[0] : "") {
      case "regex" -> regex();
      case "dates" -> dates();
      case "zones" -> zones();
      default -> throw new IllegalArgumentException("regex, dates or zones");
    }
    OUT.flush();
  }

  static void line(String... columns) {
    List<String> escaped = new ArrayList<>();
    for (String column : columns) {
      escaped.add(
          column
              .replace("\\", "\\\\")
              .replace("\t", "\\t")
              .replace("\n", "\\n")
              .replace("\r", "\\r"));
    }
    OUT.print(String.join("\t", escaped) + "\n");
  }

  // ---- java.util.regex

  /** Each with texts of its own beside those that every pattern meets. */
  static final String[][] PATTERNS = {
    // Of topics and routers.
    {"^(?!dlq$|__consumer_offsets).*", "dlq", "dlq-a", "__consumer_offsets", "__consumer", "orders"},
    {"(.*)", "orders", ""},
    {"([^.]+)\\.([^.]+)\\.([^.]+)", "server.inventory.orders", "a.b", "a.b.c.d"},
    {"server\\.(.*)", "server.orders", "serverXorders"},
    {"a\\\\.b", "a\\xb", "a.b", "a\\.b"},
    {"(?!x).*y", "xy", "ay"},
    {"(?:dev|prod)-(?<name>[a-z]+)-(\\d+)", "dev-orders-17", "prod-x-1", "test-x-1"},
    {".*(?<!_internal)", "orders", "orders_internal"},
    {"(?i)ORDERS.*", "orders-1", "OrDeRs"},
    {"dbserver1\\.inventory\\..*|other", "dbserver1.inventory.x", "other", "another"},
    // Quantifiers.
    {"a*", "aaa", "baa"}, {"a*?b", "aaab"}, {"a*+a", "aaa"}, {"a++b", "aab"}, {"a?+a", "a", "aa"},
    {"a{2}", "aa", "aaa"}, {"a{2,}", "a", "aaaa"}, {"a{2,3}?", "aaaa"}, {"a{2,3}+a", "aaaa", "aaa"},
    {"(a|ab)(c|bcd)(d*)", "abcd", "acd"}, {"(a+)+b", "aaab", "aaac"}, {"(?>a|ab)c", "abc", "ac"},
    {"(?>a*)ab", "aaab"}, {"(a*)*", "aa", "b"}, {"(a*)+", "aa"}, {"(?:a|b)*?c", "abac"},
    {"(a)|(b)", "ab"}, {"((a)|b)*", "ab", "ba"}, {"(?:(a)|b)*", "ab"}, {"a{0}b", "b"}, {"{2}a", "a"},
    {"a{2}{3}", "aa", "aaaaaa"}, {"x{1}{2}?", "x"}, {"(|a)+", "aaa"}, {"(a?)??b", "ab"},
    // Look-around.
    {"(?=a)a", "a"}, {"(?=.*\\d)[a-z\\d]+", "abc1", "abc"}, {"(?<=a)b", "ab", "b"},
    {"(?<=ab|c)d", "abd", "cd", "bd"}, {"(?<!a)b", "ab", "cb"}, {"(?<=a{1,3})b", "aab", "b"},
    {"(?<=(a))b", "ab"}, {"(?=(a+))a*b\\1", "baaabac"}, {"(?<=^|,)x", "x,x", "ax"}, {"(?!)", ""},
    {"(?<![a-z]{2})\\d", "a1", "ab1"}, {"(?=a)*b", "b", "ab"}, {"(?<=\\bfoo)bar", "foobar", "xfoobar"},
    // Anchors.
    {"^a$", "a", "a\n", "a\r\n", "a\n\n", "a\r", "a\u0085", "a\u2028"}, {"a\\Z", "a\n", "a\r\n", "a"},
    {"a\\z", "a\n", "a"}, {"\\Aa", "a", "ba"}, {"(?m)^a$", "a\nb\na", "b\r\na\r\n", "a\n"},
    {"(?m)^", "a\nb\n", "\n"}, {"(?m)$", "a\nb\n", "a\r\nb"}, {"(?md)^.$", "a\nb\r\n"},
    {"(?d)a$", "a\n", "a\r\n", "a\r"}, {"\\Ga", "aab"}, {"\\bfoo\\b", "foo bar", "foobar", "a foo"},
    {"\\Boo", "foo", "oo"}, {"$", "a\n", ""}, {"^", "a"}, {"^*a", "a"}, {"a$b", "a\nb", "ab"}, {"a|$", "ba"},
    // Dots and line ends.
    {"a.b", "a\nb", "a\rb", "axb", "a\u2029b", "a\u0085b", "a😀b"}, {"(?s)a.b", "a\nb", "a\r\nb"},
    {"(?d)a.b", "a\rb", "a\nb"}, {"a\\Rb", "a\r\nb", "a\nb", "a\u000Bb", "a\n\rb"}, {"\\R\\n", "\r\n"},
    {"\\h+", " \t\u00a0\u3000", "\n"}, {"\\H+", "a b"}, {"\\v+", "\n\u000B\f\r\u2028", " "}, {"\\V+", "a\nb"},
    // Classes.
    {"[abc]+", "cab", "d"}, {"[^abc]+", "def", "a"}, {"[a-z&&[def]]+", "def", "abc"},
    {"[a-z&&[^bc]]+", "ad", "b"}, {"[a-z&&[^m-p]]+", "a", "n"}, {"[a-d[m-p]]+", "an", "e"},
    {"[^a-d&&[c-f]]+", "e", "c", "z"}, {"[a-z&&b-d]+", "b", "a"}, {"[a-z&&b-d&&c]+", "c", "b"},
    {"[a&&b]", "a", "b"}, {"[]a]+", "]a"}, {"[a^]+", "^a"}, {"[a-]+", "-a"}, {"[-a]+", "-a"},
    {"[\\w-]+", "a-b"}, {"[a\\-z]+", "a-z", "b"}, {"[\\d\\s]+", "1 2", "a"}, {"[^\\d]+", "abc", "1"},
    {"[\\]\\[]+", "[]"}, {"[&]+", "&"}, {"[a&b]+", "a&b"}, {"[.$*]+", ".$*"}, {"[\\n\\t]+", "\n\t"},
    {"[[a][b]]+", "ab"}, {"[^[a-c]]+", "d", "a"}, {"[\\x41-\\x43]+", "ABC"}, {"[\\u0041-C]+", "ABC"},
    {"[a-c&&]+", "a"}, {"[é-ü]+", "êé", "e"}, {"[\\Qa-c\\E]+", "a-c", "b"}, {"[\\p{L}&&[^\\p{Lu}]]+", "abc", "A"},
    {"[a-zA-Z0-9._-]+", "a.B_1-", "a/b"}, {"[^\\x00-\\x1F]+", "abc"}, {"[\\cA]", "\u0001"}, {"a[&&b]", "ab"},
    {"[\\v-a]+", "\u000b A"}, {"[a-z&&[aeiou]&&[^u]]+", "aei", "u"}, {"[\\W&&[^ ]]+", "!?", " "},
    // Escapes.
    {"\\d+", "123", "١٢"}, {"\\D+", "abc"}, {"\\w+", "a_1", "é"}, {"\\W+", "é!"}, {"\\s+", " \t\n\u000B\f\r", "\u00a0"},
    {"\\S+", "ab c"}, {"\\Qa.b\\E", "a.b", "axb"}, {"\\Qa.b", "a.b"}, {"a\\Q\\E*b", "aab", "b"}, {"\\Q\\\\E+", "\\\\"},
    {"\\1\\Q2\\E", "2"}, {"\\x{1F600}", "😀"}, {"\\uD83D\\uDE00", "😀"}, {"\\u00e9", "é"}, {"\\xe9", "é"},
    {"\\07\\012", "\u0007\n"}, {"\\0101", "A"}, {"\\0400", " 0"}, {"\\a\\e\\f\\t", "\u0007\u001B\f\t"},
    {"\\cA", "\u0001"}, {"\\-\\.\\/\\_\\@", "-./_@"}, {"\\é", "é"}, {"\\$\\{a\\}", "${a}"}, {"}", "}"}, {"]", "]"},
    {"a}b]", "a}b]"}, {"#a b", "#a b"}, {"a/b", "a/b"}, {"~&-", "~&-"}, {"\\ ", " "},
    // Properties.
    {"\\p{Alpha}+", "abcÉ", "1"}, {"\\p{Lower}+", "abcé", "A"}, {"\\p{Upper}+", "ABC"}, {"\\p{Digit}+", "12"},
    {"\\p{Alnum}+", "a1_"}, {"\\p{Punct}+", "!~$+<=>^`|", "a"}, {"\\p{Graph}+", "a!", " "}, {"\\p{Print}+", "a !", "\t"},
    {"\\p{Blank}+", " \t", "\n"}, {"\\p{Cntrl}+", "\u0001\u007f"}, {"\\p{XDigit}+", "fF0", "g"},
    {"\\p{Space}+", " \n"}, {"\\p{ASCII}+", "a~", "é"}, {"\\p{javaLowerCase}+", "aé", "A"},
    {"\\p{javaUpperCase}+", "AÉ"}, {"\\p{javaWhitespace}+", " \u2003\u001c", "\u00a0"}, {"\\p{javaLetterOrDigit}+", "é1"},
    {"\\p{IsLatin}+", "aé", "α"}, {"\\p{IsGreek}+", "αβ"}, {"\\p{InGreek}+", "αβ"}, {"\\p{IsAlphabetic}+", "aα1"},
    {"\\p{L}+", "aα", "1"}, {"\\pL+", "aα"}, {"\\PL+", "1!"}, {"\\p{Lu}+", "AÉ"}, {"\\p{IsLu}", "A"}, {"\\P{Lu}+", "ab"},
    {"\\p{Sc}", "$", "€"}, {"\\p{script=Greek}", "α"}, {"\\p{sc=Latin}", "a"}, {"\\p{gc=Lu}", "A"}, {"\\p{block=BasicLatin}", "a", "é"},
    {"\\p{InBasicLatin}+", "a"}, {"\\p{IsDigit}", "١"}, {"\\p{IsPunctuation}", "!", "$"}, {"\\p{LC}+", "aA"}, {"\\p{L1}+", "é", "α"},
    {"\\p{all}+", "a\n"}, {"\\p{IsWhite_Space}", " "}, {"[\\p{Alpha}&&[^a]]+", "bc", "a"}, {"\\p{IsUppercase}", "A"}, {"\\p{LD}+", "a1"},
    // Flags.
    {"(?i)abc", "ABC", "aBc"}, {"(?i)é", "É", "é"}, {"(?iu)é", "É"}, {"(?i)[a-c]+", "AbC"}, {"(?i)[^a-c]+", "ABd", "d"},
    {"(?iu)[à-ü]+", "ÀÜ"}, {"a(?i)b|c", "aB", "C", "AB"}, {"a(?i:b)c", "aBc", "aBC"}, {"(?i)a(?-i)b", "Ab", "AB"},
    {"(a(?i)b)c", "aBc", "aBC"}, {"(?i)(a)\\1", "aA"}, {"(?i)k", "K", "\u212a"}, {"(?iu)k", "\u212a"}, {"(?x) a b # c\n d", "abd"},
    {"(?x)a\\ b", "a b"}, {"(?x)[a b]+", "ab", "a b"}, {"(?x) (a) {2}", "aa"}, {"(?x)a#", "a"}, {"(?U)\\w+", "é_1"},
    {"(?U)\\d+", "١"}, {"(?U)\\p{Lower}+", "é"}, {"(?i)\\p{Lower}+", "aB"}, {"(?i)\\p{Lu}", "a"}, {"(?sm-i).^", "\n"}, {"(?-i)a", "a", "A"},
    {"(?i)[\\x41]", "a"}, {"(?i)\\x41", "a"}, {"(?ims)^A.b$", "a\nB"}, {"(?)a", "a"},
    // References.
    {"(a)\\1", "aa", "ab"}, {"(a)(b)\\2\\1", "abba"}, {"(?<x>a)\\k<x>", "aa"}, {"(a)\\11", "aa1"}, {"\\1(a)", "a", "aa"},
    {"\\2(a)", "a"}, {"(a)?\\1b", "b", "aab"}, {"(?:\\2b|(a)(c))+", "accb"}, {"(?<a>x)(?<b>y)", "xy"},
    // Not patterns.
    {"("}, {"(a"}, {")"}, {"a)"}, {"*"}, {"a**"}, {"+a"}, {"?a"}, {"a|*"}, {"["}, {"[a"}, {"[]"}, {"[^]"}, {"[a-"}, {"[z-a]"},
    {"[a&&"}, {"a{"}, {"a{x}"}, {"a{1"}, {"a{1,"}, {"a{1,x}"}, {"a{2,1}"}, {"a{,3}"}, {"\\"}, {"a\\"}, {"\\y"}, {"\\i"}, {"\\E"},
    {"\\c"}, {"\\x"}, {"\\x4"}, {"\\xg1"}, {"\\x{}"}, {"\\x{110000}"}, {"\\x{41"}, {"\\u12"}, {"\\uzzzz"}, {"\\0"}, {"\\08"}, {"\\k"},
    {"\\k<a>"}, {"\\k<1>"}, {"(?<a>x)(?<a>y)"}, {"(?<1a>x)"}, {"(?<a"}, {"(?<a-b>x)"}, {"(?"}, {"(?q)"}, {"(?i"}, {"(?iq)a"}, {"(?<"},
    {"(?<=a*)b"}, {"(?<=a+)b"}, {"(?<!a{2,})b"}, {"(?<=(a)\\1)b"}, {"(?$a)"}, {"(?P<a>x)"}, {"\\p"}, {"\\p{"}, {"\\p{}"}, {"\\p{Foo}"},
    {"\\p{IsFoo}"}, {"\\p{InFoo}"}, {"\\p{sc=Foo}"}, {"\\p{foo=bar}"}, {"\\pX"}, {"[\\p{Foo}]"}, {"[a\\q]"}, {"[\\1]"}, {"[\\b]"}, {"[\\A]"},
    {"(?<=a|b*)c"}, {"((a)"}, {"(a))"}, {"a{99999999999}"}, {"[a-\\d]"}, {"[\\d-z]"}, {"[a-z"}, {"\t*)("}, {"(?#c)a"}, {"(?'a'x)"},
  };

  static final String[] TEXTS = {"", "abc", "aab-17", "foo.bar_Baz"};

  static final String[][] REPLACEMENTS = {
    {"(.*)-(.*)", "a-b", "$1_$2"}, {"(.*)", "orders", "prefix-$1"}, {"(.*)", "orders", "$0$0"},
    {"(a)(b)?", "ac", "[$1|$2]"}, {"(.*)", "a", "$10"}, {"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "abcdefghijk", "$11-$1-$10$12"},
    {"(?<x>.)(?<y>.)", "ab", "${y}${x}"}, {"a", "a", "\\$1"}, {"a", "a", "\\\\"}, {"a", "a", "\\n"}, {"a", "aaa", ""},
    {"b*", "abc", "-"}, {"", "ab", "-"}, {"(?=b)", "abab", "|"}, {"\\s+", "a  b\tc", " "}, {"[^a-zA-Z0-9_]", "a-b.c", "_"},
    {"(a)", "a", "$2"}, {"(a)", "a", "$3x"}, {"(a)", "a", "$"}, {"(a)", "a", "$x"}, {"(a)", "a", "\\"}, {"(a)", "a", "${"},
    {"(a)", "a", "${}"}, {"(a)", "a", "${x"}, {"(a)", "a", "${x}"}, {"(a)", "a", "${1}"}, {"(a)", "a", "${x-y}"}, {"(a)", "b", "$9"},
    {"(a)", "a", "$1_"}, {"(a)", "a", "$1a"}, {"(a)", "a", "${1a}"}, {"(?<n>a)", "a", "${n}$n"}, {"x", "axbxc", "\\\\$0"},
    {"server1\\.(.*)", "server1.db.t", "$1"}, {"([^.]+)\\.([^.]+)\\.([^.]+)", "s.d.t", "$3"}, {"^", "a\nb", ">"}, {"(?m)^", "a\nb", ">"},
    {"é", "aéb", "è$0"}, {"(😀)", "x😀y", "<$1>"}, {"$", "a\n", "!"}, {"a|b", "cab", "[$0]"}, {"(a)|(b)", "ab", "<$1,$2>"}, {"\\Ga", "aaba", "x"},
  };

  static String groups(Matcher matcher) {
    StringBuilder out = new StringBuilder();
    for (int group = 0; group <= matcher.groupCount(); group++) {
      String text = matcher.group(group);
      out.append('<').append(text == null ? "∅" : text).append('>');
    }
    return out.toString();
  }

  static void regex() {
    for (String[] entry : PATTERNS) {
      Pattern pattern;
      try {
        pattern = Pattern.compile(entry[0]);
      } catch (PatternSyntaxException e) {
        line("illegal", entry[0], e.getMessage());
        continue;
      }
      List<String> texts = new ArrayList<>(List.of(entry).subList(1, entry.length));
      texts.addAll(List.of(TEXTS));
      for (String text : texts) {
        Matcher matcher = pattern.matcher(text);
        line("matches", entry[0], text, matcher.matches() ? groups(matcher) : "no");
        matcher.reset();
        StringBuilder found = new StringBuilder();
        while (matcher.find()) {
          found.append(groups(matcher)).append(';');
        }
        line("find", entry[0], text, found.toString());
      }
    }
    for (String[] entry : REPLACEMENTS) {
      for (boolean all : new boolean[] {false, true}) {
        String result;
        try {
          Matcher matcher = Pattern.compile(entry[0]).matcher(entry[1]);
          result = "=" + (all ? matcher.replaceAll(entry[2]) : matcher.replaceFirst(entry[2]));
        } catch (RuntimeException e) {
          result = "!" + e.getClass().getName() + ": " + e.getMessage();
        }
        line(all ? "replaceAll" : "replaceFirst", entry[0], entry[1], entry[2], result);
      }
    }
  }

  // ---- java.text.SimpleDateFormat

  static final String[] FORMATS = {
    "yyyyMMdd", "yyyy-MM-dd", "YYYY-MM-dd", "YYYYMM", "YYYY-'W'ww-u", "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "EEE MMM dd HH:mm:ss zzz yyyy", "EEEE, d MMMM yy G", "yy Y YY YYY YYYYY",
    "y yyy yyyyyy", "M MM MMM MMMM MMMMM", "L LL LLL LLLL", "w ww W WW", "D DDD d dd F", "E EEEE u uu", "a aa h hh K KK",
    "H HH k kk", "m mm s ss S SSS SSSSS", "z zzzz", "Z ZZZ", "X XX XXX", "G GGGG", "hh:mm a", "'o''clock' h", "''yyyy''",
    "yyyy/MM/dd HH", "é 'é' [yyyy]", "",
  };

  static final String[] BAD_FORMATS = {
    "P", "XXXX", "b", "'abc", "yyyyMMddTHH", "yyyy-MM-dd'T", "n", "A", "yyyy-MM-dd HH:mm:ss.SSSSSSV", "x", "'", "''' ", "R", "yyyyXXXXX'",
  };

  static final String[] ZONES = {
    "UTC", "America/Los_Angeles", "Europe/Zurich", "Asia/Kolkata", "GMT+05:30", "GMT-8", "Europe/London", "America/Sao_Paulo",
    "Australia/Sydney", "Etc/GMT+5", "EST", "PST", "Pacific/Auckland", "Asia/Kathmandu",
  };

  static final String[][] PARSES = {
    {"yyyy-MM-dd", "2023-11-14", "2023-1-5", "2023-13-45", "2023-00-00", "23-1-1", "-5-01-01", "0000-01-01", "2023-11-14 tail",
      " 2023-11-14", "2023 -11-14", "2023- 11-14", "2023-11", "2023-11-", "abcd", "", "2023-1a-01", "99999-12-31", "1582-10-10", "1500-02-29", "1900-02-29"},
    {"yyyyMMdd", "20231114", "2023111", "202311145", "2023-1-1", "2 231114", "20230000"},
    {"yyMMdd", "231114", "991231", "460101", "451231", "2311144"},
    {"yy", "23", "99", "46", "45", "3", "123", "-1", "00", "2023"},
    {"y", "23", "2023", "5"}, {"yyy", "23", "2023"},
    {"yyyy-MM-dd HH:mm:ss.SSS", "2023-11-14 22:13:20.123", "2023-11-14 25:61:61.1000", "2023-11-14 22:13:20.1", "2023-11-14 22:13:20", "2023-11-14 -1:00:00.000"},
    {"yyyy-MM-dd'T'HH:mm:ss.SSSX", "2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.123+01", "2023-11-14T22:13:20.123-0800", "2023-11-14T22:13:20.123+1", "2023-11-14T22:13:20.123"},
    {"yyyy-MM-dd HH:mm XX", "2023-11-14 22:13 +0530", "2023-11-14 22:13 Z", "2023-11-14 22:13 +05", "2023-11-14 22:13 +05:30"},
    {"yyyy-MM-dd HH:mm XXX", "2023-11-14 22:13 +05:30", "2023-11-14 22:13 -05:30", "2023-11-14 22:13 +0530", "2023-11-14 22:13 +5:30", "2023-11-14 22:13 +25:00"},
    {"yyyy-MM-dd HH:mm Z", "2023-11-14 22:13 +0530", "2023-11-14 22:13 -0800", "2023-11-14 22:13 GMT+5:30", "2023-11-14 22:13 GMT", "2023-11-14 22:13 PST", "2023-11-14 22:13 +05:30", "2023-11-14 22:13 +05"},
    {"EEE MMM dd HH:mm:ss zzz yyyy", "Tue Nov 14 22:13:20 UTC 2023", "Tue Nov 14 22:13:20 PST 2023", "Tue Jul 14 22:13:20 PDT 2023", "tue nov 14 22:13:20 gmt+1:00 2023",
      "Wed Nov 14 22:13:20 CET 2023", "Tue Jul 14 22:13:20 CEST 2023", "Tuesday November 14 22:13:20 EST 2023", "Tue Nov 14 22:13:20 Pacific Standard Time 2023", "Tue Nov 14 22:13:20 Nowhere 2023", "Xxx Nov 14 22:13:20 UTC 2023",
      "Tue Jul 14 22:13:20 PST 2023", "Tue Nov 14 22:13:20 JST 2023", "Tue Nov 14 22:13:20 IST 2023", "Tue Nov 14 22:13:20 BST 2023", "Tue Nov 14 22:13:20 GMT-08:00 2023", "Tue Nov 14 22:13:20 +0100 2023"},
    {"d MMMM yyyy", "14 November 2023", "14 Nov 2023", "14 NOVEMBER 2023", "14 Nov. 2023", "14  November 2023", "31 February 2023", "14 11 2023"},
    {"d-MMM-yy", "14-Nov-23", "14-nov-99", "4-Novem-23"},
    {"h:mm a", "10:13 PM", "12:00 AM", "12:00 PM", "13:00 AM", "0:30 PM", "10:13 pm", "10:13 XM"},
    {"K:mm a", "10:13 PM", "0:00 AM", "12:00 PM"}, {"k:mm", "24:00", "1:00", "25:00", "0:00"}, {"HH:mm", "24:00", "23:59", "-1:30"}, {"hh:mm", "12:30", "11:30"},
    {"a", "AM", "PM"}, {"H a h", "5 PM 3"},
    {"YYYY-'W'ww-u", "2023-W46-2", "2024-W01-1", "2023-W53-7", "2023-W00-1", "2023-W46-0", "2023-W46-8", "2023-W46-15", "2023-W1-1"},
    {"YYYY-MM-dd", "2023-11-14", "2024-01-01"}, {"YYYY", "2023", "2024"}, {"YY-ww", "23-46", "99-01"}, {"YYYY ww E", "2023 46 Tue", "2023 46 Sun"},
    {"yyyy ww", "2023 46", "2023 1", "2023 0", "2023 60"}, {"yyyy ww E", "2023 46 Tue", "2023 1 Sun"}, {"yyyy MM W", "2023 11 3", "2023 11 0"}, {"yyyy MM W E", "2023 11 3 Tue", "2023 11 1 Mon"},
    {"yyyy MM F E", "2023 11 2 Tue", "2023 11 -1 Tue", "2023 11 5 Wed", "2023 11 0 Tue"}, {"yyyy MM E", "2023 11 Tue"}, {"yyyy MM F", "2023 11 2"},
    {"yyyy D", "2023 318", "2024 366", "2023 0", "2023 400", "2023 -5"}, {"yyyy-DDD", "2023-318"}, {"yyyyDDD", "2023318", "202331"}, {"yyyy D MM dd", "2023 1 11 14"}, {"MM dd yyyy D", "11 14 2023 1"},
    {"E yyyy-MM-dd", "Mon 2023-11-14"}, {"yyyy-MM-dd E", "2023-11-14 Mon"}, {"u yyyy-MM-dd", "1 2023-11-14"}, {"E", "Tue"}, {"u", "2", "7", "8"}, {"w", "5"}, {"W", "3"}, {"M", "11"}, {"d", "14"},
    {"yyyy G", "2023 AD", "2023 BC", "44 BC", "2023 ad", "2023 XX", "2023 Anno Domini"}, {"G yyyy-MM-dd", "BC 0001-12-31", "AD 1582-10-15", "AD 1582-10-04"},
    {"HHmmss", "221320", "2213", "2 1320", "22132"}, {"HHmmssSSS", "221320123", "2213201", "22132012"}, {"yyyyMMddHHmmss", "20231114221320", "2023111422132"}, {"SSS", "1", "12", "12345"},
    {"yyyy-MM-dd", "2147483648-01-01", "9223372036854775808-01-01", "4294967297-01-01"}, {"yyyy.MM.dd", "2023.11.14"}, {"yyyy, d", "2023, 14"}, {"d'th'", "14th", "14TH"}, {"'at' HH", "at 12", "AT 12"}, {"", "", "x"}, {"yyyy''", "2023'"}, {"z", "UTC", "PST", "Z"},
  };

  static final String[][] LOCAL_PARSES = {
    {"America/Los_Angeles", "2023-03-12 02:30", "2023-11-05 01:30", "2023-07-01 00:00", "2023-12-01 00:00", "1900-01-01 00:00", "1850-06-01 00:00", "2050-07-01 00:00"},
    {"Europe/Zurich", "2023-03-26 02:30", "2023-10-29 02:30", "2023-07-01 00:00", "1945-06-01 00:00", "1894-05-31 00:00"},
    {"America/Sao_Paulo", "2018-11-04 00:30", "2018-02-17 23:30"}, {"Australia/Sydney", "2023-10-01 02:30", "2023-04-02 02:30"}, {"Asia/Kolkata", "2023-11-14 22:13"}, {"GMT+05:30", "2023-11-14 22:13"}, {"Europe/London", "1970-06-01 12:00", "2023-03-26 01:30"},
  };

  static Locale locale(String name) {
    return name.equals("root") ? Locale.ROOT : Locale.ENGLISH;
  }

  static void format(String pattern, String zone, String locale, long ms) {
    String result;
    try {
      SimpleDateFormat format = new SimpleDateFormat(pattern, locale(locale));
      format.setTimeZone(TimeZone.getTimeZone(zone));
      result = "=" + format.format(new Date(ms));
    } catch (IllegalArgumentException e) {
      result = "!" + e.getMessage();
    }
    line("format", pattern, zone, locale, Long.toString(ms), result);
  }

  static void parse(String pattern, String zone, String locale, String text) {
    SimpleDateFormat format = new SimpleDateFormat(pattern, locale(locale));
    format.setTimeZone(TimeZone.getTimeZone(zone));
    // November 21, 1946.
    format.set2DigitYearStart(new Date(-729388800000L));
    String result;
    try {
      result = "=" + format.parse(text).getTime();
    } catch (ParseException e) {
      result = "!" + e.getMessage() + " at " + e.getErrorOffset();
    }
    line("parse", pattern, zone, locale, text, result);
  }

  static void dates() {
    Random random = new Random(4);
    long[] moments = {
      0, 1, -1, 1700000000123L, 1703980800000L, 1704067199999L, 1704067200000L, 1672531200000L, 1230768000000L, 1293840000000L,
      1330473600000L, 951782400000L, 1678615200000L, 1678618800000L, 1699174800000L, 4102444800000L, -2208988800000L, -62135769600000L,
      -62135769600001L, -12219292800000L, -12219292800001L, -11676096000000L, 253402300799999L, -99999999999999L,
    };
    for (String pattern : FORMATS) {
      for (long ms : moments) {
        format(pattern, "UTC", "en", ms);
      }
      for (String zone : ZONES) {
        // Between 1950 and 2035.
        long ms = -631152000000L + (long) (random.nextDouble() * 2682374400000L);
        format(pattern, zone, random.nextInt(4) == 0 ? "root" : "en", ms);
      }
    }
    for (String pattern : BAD_FORMATS) {
      format(pattern, "UTC", "en", 0);
    }
    for (String[] entry : PARSES) {
      for (int text = 1; text < entry.length; text++) {
        parse(entry[0], "UTC", "en", entry[text]);
      }
    }
    for (String[] entry : LOCAL_PARSES) {
      for (int text = 1; text < entry.length; text++) {
        parse("yyyy-MM-dd HH:mm", entry[0], "en", entry[text]);
      }
    }
  }

  /** Zones with their names in English, in the order in which texts are compared with them. */
  static void zones() {
    for (String[] names : DateFormatSymbols.getInstance(Locale.ENGLISH).getZoneStrings()) {
      line(names[0], names[1], names[2], names[3], names[4]);
    }
  }
}
