// Makes the golden values for the date patterns, time zones and locales of the storage connectors
// from Joda-Time itself.
//
//   mvn dependency:copy -Dartifact=joda-time:joda-time:2.14.0 -DoutputDirectory=DIR
//   java -cp DIR/joda-time-2.14.0.jar JodaGolden.java formats > joda_formats.tsv
//   java -cp DIR/joda-time-2.14.0.jar JodaGolden.java symbols > joda_symbols.tsv
//
// `formats`: pattern, locale, zone, partition duration, timestamp -> text of the floored time, or the
// error. `symbols`: the texts of months, days, halves of the day and eras of each language.

import java.text.DateFormatSymbols;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeSet;
import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;
import org.joda.time.format.DateTimeFormat;
import org.joda.time.format.DateTimeFormatter;

public class JodaGolden {
  public static void main(String[] args) {
    if (args[0].equals("symbols")) {
      symbols();
    } else {
      formats();
    }
  }

  static void symbols() {
    String root = symbols(new Locale("xx"));
    System.out.println("root\t" + root);
    TreeSet<String> languages = new TreeSet<>();
    for (Locale locale : Locale.getAvailableLocales()) {
      languages.add(locale.getLanguage());
    }
    for (String language : languages) {
      String symbols = symbols(new Locale(language));
      if (!symbols.equals(root)) {
        System.out.println(language + "\t" + symbols);
      }
    }
  }

  static String symbols(Locale locale) {
    DateFormatSymbols s = DateFormatSymbols.getInstance(locale);
    return String.join(
        "\t",
        join(s.getMonths(), 0, 12),
        join(s.getShortMonths(), 0, 12),
        // From Monday to Sunday, as Joda numbers them.
        days(s.getWeekdays()),
        days(s.getShortWeekdays()),
        join(s.getAmPmStrings(), 0, 2),
        join(s.getEras(), 0, 2));
  }

  static String join(String[] texts, int from, int to) {
    return String.join("|", List.of(texts).subList(from, to));
  }

  static String days(String[] texts) {
    return join(texts, 2, 8) + "|" + texts[1];
  }

  static void formats() {
    String[] patterns = {
      "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH",
      "'year'=YYYY/'month'=MM/'day'=dd",
      "YYYY/MM/dd/HH",
      "yyyy-MM-dd",
      "YYYY/M/d/h",
      "'year='YYYY/'month='MM",
      "'date'=YYYY-MM-dd",
      "'orders'/yyyy/MM/dd/HH",
      "'y'=YYYY/'m'=MM",
      "'it''s' ''yy'' ''",
      "'open",
      "G C Y YY YYY YYYYY y yy yyyyyy x xx xxxx w ww e",
      "D DDD M MM MMM MMMM d dd E EEE EEEE a h hh H HH k kk K KK",
      "m mm s ss S SS SSS SSSSSS Z ZZ ZZZ",
      "yyyy_MM_dd'T'HH:mm:ss.SSSZZ",
      "year=!{timestamp:YYYY}",
      "dt=yyyy-MM-dd",
      "${topic}",
      "rr",
      "\\'year\\'=YYYY",
      "Q", "u", "L", "c", "b",
    };
    String[] locales = {"en-US", "en", "en_US", "US", "pt-BR", "pt_BR", "id_ID", "de", "fr", "pt", "ko", "ja"};
    String[] zones = {
      "UTC", "America/Sao_Paulo", "Europe/Zurich", "Asia/Jakarta", "Asia/Seoul", "Australia/Sydney",
      "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Asia/Kathmandu",
      "America/St_Johns", "Africa/Casablanca", "America/Los_Angeles", "+05:30", "-0800",
    };
    long[] durations = {1, 60_000, 300_000, 3_600_000, 10_800_000, 86_400_000, 604_800_000};
    Random random = new Random(7);
    for (String pattern : patterns) {
      for (int i = 0; i < 12; i++) {
        line(pattern, locales[i], zones[random.nextInt(zones.length)], durations[random.nextInt(durations.length)], timestamp(random));
      }
    }
    String plain = "yyyy-MM-dd'T'HH:mm:ss.SSSZ";
    for (String zone : zones) {
      DateTimeZone z = DateTimeZone.forID(zone);
      // Every side of each change of the clock in some years, floored to several durations.
      long instant = new DateTime(2015, 1, 1, 0, 0, DateTimeZone.UTC).getMillis();
      long end = new DateTime(2020, 1, 1, 0, 0, DateTimeZone.UTC).getMillis();
      while (true) {
        long next = z.nextTransition(instant);
        if (next == instant || next > end) break;
        for (long delta : new long[] {-3_600_001, -1_800_000, -1, 0, 1_800_000, 3_599_999, 5_400_000}) {
          for (long duration : new long[] {1_800_000, 3_600_000, 7_200_000, 86_400_000}) {
            line(plain, "en", zone, duration, next + delta);
          }
        }
        instant = next;
      }
      for (int i = 0; i < 10; i++) {
        line(plain, "en", zone, durations[random.nextInt(durations.length)], timestamp(random));
      }
    }
    for (long timestamp : new long[] {0, -1, -86_400_001L, -62_135_596_800_000L, -62_135_596_800_001L, 253_402_300_800_000L}) {
      for (String pattern : new String[] {"Y YY YYYY y yy yyyy G C x w e D S SSS", "yyyyy-MM-dd HH:mm:ss.SSS"}) {
        line(pattern, "en", "UTC", 3_600_000, timestamp);
        line(pattern, "en", "UTC", 1, timestamp);
      }
    }
  }

  static long timestamp(Random random) {
    return (long) (random.nextDouble() * 1_800_000_000_000L);
  }

  static void line(String pattern, String locale, String zone, long duration, long timestamp) {
    String result;
    try {
      DateTimeZone z = DateTimeZone.forID(zone);
      DateTimeFormatter formatter =
          DateTimeFormat.forPattern(pattern).withZone(z).withLocale(new Locale(locale));
      // The floor of local time, as a time-based partitioner takes it.
      long local = z.convertUTCToLocal(timestamp);
      long floored = z.convertLocalToUTC((local / duration) * duration, false);
      result = "=" + new DateTime(floored).toString(formatter);
    } catch (IllegalArgumentException e) {
      result = "!" + e.getMessage();
    }
    System.out.println(
        String.join("\t", pattern, locale, zone, Long.toString(duration), Long.toString(timestamp), result));
  }
}
